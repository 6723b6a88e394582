using System.Diagnostics;
using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>A run that was interrupted anywhere and resumed ends as one that was not.</summary>
[Platform(Exclude = "Win", Reason = "signals are sent as POSIX systems do")]
public sealed class InterruptedRunTests
{
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

    [TestCase(PosixSignal.Interrupt, 130)]
    [TestCase(PosixSignal.Terminate, 143)]
    public void ASignalLeavesACheckpointFromWhichTheRunGoesOn(int signal, int exitCode)
    {
        PosixSignal.SkipWhereIgnored(signal);
        using TinyRun whole = Run();
        Assert.That(whole.Train().ExitCode, Is.Zero);
        using TinyRun stopped = Run();
        stopped.Config["checkpoints"] = new JsonObject();
        string output;

        using (Process process = Start(stopped))
        {
            WaitForSteps(stopped, process, 20);
            PosixSignal.Send(process, signal);
            output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.EqualTo(exitCode), output);
        }

        Outcome resumed = stopped.Train("--resume");

        Assert.That(output, Does.Match("stopped after step [0-9]+; the checkpoint is .*\n.*to go on: MnrEngine train .*config.json --resume"));
        Assert.That(resumed.ExitCode, Is.Zero, resumed.Error);
        AssertSame(stopped, whole);
    }

    [Test]
    public void ARunKeepsOthersOutOfItsFolder()
    {
        using TinyRun run = Run();
        run.Config["max_steps"] = 100_000;

        using Process process = Start(run);
        WaitForSteps(run, process, 20);
        Outcome second = run.Train("--set", "resume=false", "--set", "overwrite=true", "--set", "max_steps=10");
        bool first = !process.HasExited;
        PosixSignal.Send(process, PosixSignal.Terminate);
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        Assert.That((second.ExitCode, second.Error.TrimEnd()), Is.EqualTo((2, $"error: another run is writing the output folder {run.Output}: let it end, or choose another folder")));
        Assert.That((first, process.ExitCode), Is.EqualTo((true, 143)));
        Assert.That(run.Steps(), Has.Count.GreaterThanOrEqualTo(20), "the second run removed what the first had written");
    }

    [TestCase("data", "hash of the texts")]
    [TestCase("batch_sampler", "sampler")]
    [TestCase("batch_size", "batch_size")]
    [TestCase("learning_rate", "optimizer")]
    [TestCase("seed", "sampler")]
    [TestCase("loss", "loss")]
    [TestCase("dropout", "dropout")]
    public void ACheckpointOfAnotherRunIsRefused(string changed, string named)
    {
        using TinyRun run = new();
        run.Config["checkpoints"] = new JsonObject { ["every_steps"] = 4 };
        Assert.That(run.Train().ExitCode, Is.Zero);
        byte[] weights = run.Weights();
        JsonNode value = changed switch
        {
            "data" => SwapTheFirstRows(run),
            "batch_sampler" => "in_order",
            "loss" => new JsonObject { ["scale"] = 10 },
            "dropout" => 0.2,
            "learning_rate" => 1e-4,
            _ => 15,
        };
        run.Config[changed] = value;

        Outcome outcome = run.Train("--resume");

        Assert.That(outcome.ExitCode, Is.EqualTo(2), outcome.Output);
        Assert.That(outcome.Error, Does.Match($"^error: .*step-00000008 was written by a run with {named} .*, but this run has "));
        Assert.That(run.Weights(), Is.EqualTo(weights));
    }

    [Test]
    public void ADamagedCheckpointIsNamed([Values("training_state.json", "optimizer.safetensors", "model.safetensors")] string file)
    {
        using TinyRun run = new();
        run.Config["checkpoints"] = new JsonObject { ["every_steps"] = 4 };
        Assert.That(run.Train().ExitCode, Is.Zero);
        string path = Path.Combine(run.Output, "checkpoints", "step-00000008", file);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^20]);

        Outcome outcome = run.Train("--resume");

        Assert.That(outcome.ExitCode, Is.EqualTo(2), outcome.Output);
        Assert.That(outcome.Error, Does.StartWith("error: ").And.Contain(file));
    }

    private static JsonValue SwapTheFirstRows(TinyRun run)
    {
        string path = run.Folder.File("pairs.jsonl");
        string[] rows = File.ReadAllLines(path);
        (rows[0], rows[1]) = (rows[1], rows[0]);
        File.WriteAllLines(path, rows);
        return JsonValue.Create("pairs.jsonl");
    }

    private static TinyRun Run()
    {
        TinyRun run = new();
        run.Config["max_steps"] = 300;
        run.Config["batch_sampler"] = "no_duplicates";
        run.Config["warmup_ratio"] = 0.1;
        run.Config["checkpoints"] = new JsonObject { ["every_steps"] = 25 };
        run.Config["resume"] = "auto";
        run.Config["evaluation"] = new JsonObject { ["sts"] = TrainCommandTests.WriteSts(run), ["every_steps"] = 15 };
        return run;
    }

    private static void AssertSame(TinyRun resumed, TinyRun whole)
    {
        Assert.That(resumed.Weights(), Is.EqualTo(whole.Weights()));
        Assert.That(resumed.Steps().Select(Figures), Is.EqualTo(whole.Steps().Select(Figures)));
        Assert.That(Evaluations(resumed), Is.EqualTo(Evaluations(whole)));

        static string Evaluations(TinyRun run) => File.ReadAllText(Path.Combine(run.Output, "eval", "similarity_evaluation_dev_results.csv"));

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
}
