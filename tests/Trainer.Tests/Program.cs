namespace MnrEngine.Trainer.Tests;

/// <summary>What a run of the program gave.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Error);

/// <summary>The program, run inside the test.</summary>
internal static class Program
{
    public static Outcome Run(params string[] arguments)
    {
        using StringWriter output = new();
        using StringWriter error = new();
        int exitCode = CommandLine.Run(arguments, output, error);
        return new Outcome(exitCode, output.ToString(), error.ToString());
    }
}
