using System.CommandLine;
using MnrEngine.Trainer.Config;
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
        Command command = new("train", "Trains a model as a config says.") { config, settings, resume };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(config), parsed.GetValue(settings) ?? [], parsed.GetValue(resume), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static int Run(string file, string[] settings, bool resume, TextWriter output)
    {
        string[] effective = resume ? [.. settings, "resume=true", "overwrite=false"] : settings;
        TrainingConfig config = ConfigFile.Load(file, effective);
        string command = string.Join(' ', settings.Select(static s => $"--set {Quoted(s)}").Prepend($"MnrEngine train {Quoted(file)}"));
        return new TrainingRun(config, command, output, Display(output, config.LogEverySteps)).Execute();
    }

    private static IRunDisplay Display(TextWriter output, int everySteps) =>
        output == Console.Out && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive
            ? new TerminalDisplay(AnsiConsole.Console)
            : new LogDisplay(output, everySteps);

    private static string Quoted(string argument) => argument.Any(static c => char.IsWhiteSpace(c) || c is '"' or '[' or ']' or '*' or '$') ? $"'{argument}'" : argument;
}
