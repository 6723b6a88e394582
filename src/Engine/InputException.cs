namespace MnrEngine;

/// <summary>
/// Something the user gave is wrong: the command line, a config, a model folder or a data file. The message is one sentence that
/// names the file, line or key, what was found there and what was expected; the program prints it without a stack trace and exits
/// with code 2 when training has not begun.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>Creates the error from its sentence.</summary>
    public InputException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the error from its sentence and the exception that revealed it.</summary>
    public InputException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
