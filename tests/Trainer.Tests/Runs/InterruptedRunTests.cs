using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>A run that was interrupted anywhere and resumed ends as one that was not.</summary>
[Platform(Exclude = "Win", Reason = "signals are sent as POSIX systems do")]
public sealed partial class InterruptedRunTests
{
    private const int SigInt = 2;
    private const int SigTerm = 15;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Test]
    public void AKilledRunThatIsResumedGivesTheSameBytes()
    {
        using TinyRun whole = Run();
        Assert.That(whole.Train().ExitCode, Is.Zero);
        using TinyRun killed = Run();

        using (Process process = Start(killed))
        {
            WaitForSteps(killed, process, 60);
            process.Kill();
            process.WaitForExit();
        }

        Outcome resumed = killed.Train();

        Assert.That(resumed.ExitCode, Is.Zero, resumed.Error);
        AssertSame(killed, whole);
    }

    [TestCase(SigInt, 130)]
    [TestCase(SigTerm, 143)]
    public void ASignalLeavesACheckpointFromWhichTheRunGoesOn(int signal, int exitCode)
    {
        using TinyRun whole = Run();
        Assert.That(whole.Train().ExitCode, Is.Zero);
        using TinyRun stopped = Run();
        stopped.Config["checkpoints"] = new JsonObject();
        string output;

        using (Process process = Start(stopped))
        {
            WaitForSteps(stopped, process, 20);
            Assert.That(Kill(process.Id, signal), Is.Zero);
            output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.EqualTo(exitCode), output);
        }

        Outcome resumed = stopped.Train("--resume");

        Assert.That(output, Does.Match("stopped after step [0-9]+; the checkpoint is .*\n.*to go on: MnrEngine train .*config.json --resume"));
        Assert.That(resumed.ExitCode, Is.Zero, resumed.Error);
        AssertSame(stopped, whole);
    }

    private static TinyRun Run()
    {
        TinyRun run = new();
        run.Config["max_steps"] = 300;
        run.Config["batch_sampler"] = "no_duplicates";
        run.Config["warmup_ratio"] = 0.1;
        run.Config["checkpoints"] = new JsonObject { ["every_steps"] = 25 };
        run.Config["resume"] = "auto";
        return run;
    }

    private static void AssertSame(TinyRun resumed, TinyRun whole)
    {
        Assert.That(resumed.Weights(), Is.EqualTo(whole.Weights()));
        Assert.That(resumed.Steps().Select(Figures), Is.EqualTo(whole.Steps().Select(Figures)));

        static string Figures(JsonObject step) => $"{step["step"]} {step["loss"]} {step["lr"]} {step["grad_norm"]} {step["tokens"]}";
    }

    private static Process Start(TinyRun run)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "MnrEngine");
        Assert.That(File.Exists(program), $"the program is not beside its tests at {program}");
        ProcessStartInfo start = new(program, ["train", run.ConfigPath]) { RedirectStandardOutput = true };
        return Process.Start(start)!;
    }

    private static void WaitForSteps(TinyRun run, Process process, int steps)
    {
        string metrics = Path.Combine(run.Output, "metrics.jsonl");
        for (Stopwatch clock = Stopwatch.StartNew(); !(File.Exists(metrics) && File.ReadLines(metrics).Count() >= steps); Thread.Sleep(5))
        {
            Assert.That(process.HasExited, Is.False, () => process.StandardOutput.ReadToEnd());
            Assert.That(clock.Elapsed, Is.LessThan(Patience), $"no {steps} steps");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
