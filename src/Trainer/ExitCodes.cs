namespace MnrEngine.Trainer;

/// <summary>What the program returns to the shell.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>Something failed after the work had begun.</summary>
    public const int Failed = 1;

    /// <summary>Something is wrong with the command line, config, model or data, found before the first step.</summary>
    public const int WrongInput = 2;

    /// <summary>Stopped by SIGINT (Ctrl-C): 128 and the signal's number, as shells have it.</summary>
    public const int Interrupted = 130;

    /// <summary>Stopped by SIGTERM.</summary>
    public const int Terminated = 143;
}
