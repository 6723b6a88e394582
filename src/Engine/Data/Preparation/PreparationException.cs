namespace MnrEngine.Data.Preparation;

/// <summary>Something went wrong after rows had been written; the file they were written to never took its place. The message is one sentence.</summary>
public sealed class PreparationException : Exception
{
    /// <summary>Creates the error from its sentence and what revealed it.</summary>
    public PreparationException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
