using System.CommandLine;
using MnrEngine.Trainer.Config;
using MnrEngine.Trainer.Profiling;
using MnrEngine.Trainer.Reporting;
using MnrEngine.Trainer.Runs;
using Spectre.Console;

namespace MnrEngine.Trainer.Commands;

/// <summary><c>train</c>: runs a config.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        Argument<string> config = new("config") { Description = "The config file; see docs/config.md." };
        Option<string[]> settings = new("--set") { Description = "Set a key over the config: path.to.key=value. May be repeated.", HelpName = "key=value" };
        Option<bool> resume = new("--resume") { Description = "Go on from the last checkpoint in the output folder: short for --set resume=true --set overwrite=false." };
        Option<string?> trace = new("--trace") { Description = "Write the time of every operation as a trace for ui.perfetto.dev and chrome://tracing; see docs/profiling.md.", HelpName = "file.json" };
        Option<string?> traceSteps = new("--trace-steps") { Description = "The training steps that the trace has: FIRST..LAST; without it all, and evaluations too.", HelpName = "range" };
        Option<string?> profile = new("--profile") { Description = "Let Nsight Systems or Nsight Compute record these steps only: steps=FIRST..LAST. Needs CUDA.", HelpName = "range" };
        Command command = new("train", "Trains a model as a config says.") { config, settings, resume, trace, traceSteps, profile };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(config), parsed.GetValue(settings) ?? [], parsed.GetValue(resume),
            Profiling(parsed.GetValue(trace), parsed.GetValue(traceSteps), parsed.GetValue(profile)), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static ProfilingOptions Profiling(string? trace, string? traceSteps, string? profile)
    {
        if (traceSteps is not null && trace is null)
        {
            throw new InputException("--trace-steps says which steps a trace has, but there is no --trace");
        }

        return new ProfilingOptions(
            trace, traceSteps is null ? null : StepRange.Parse("--trace-steps", traceSteps), profile is null ? null : StepRange.Parse("--profile", profile));
    }

    private static int Run(string file, string[] settings, bool resume, ProfilingOptions profiling, TextWriter output)
    {
        string[] effective = resume ? [.. settings, "resume=true", "overwrite=false"] : settings;
        TrainingConfig config = ConfigFile.Load(file, effective);
        string command = string.Join(' ', settings.Select(static s => $"--set {Quoted(s)}").Prepend($"MnrEngine train {Quoted(file)}"));
        return new TrainingRun(config, command, profiling, output, Display(output, config.LogEverySteps)).Execute();
    }

    private static IRunDisplay Display(TextWriter output, int everySteps) =>
        output == Console.Out && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive
            ? new TerminalDisplay(AnsiConsole.Console)
            : new LogDisplay(output, everySteps);

    private static string Quoted(string argument) => argument.Any(static c => char.IsWhiteSpace(c) || c is '"' or '[' or ']' or '*' or '$') ? $"'{argument}'" : argument;
}
