using System.Text.Json.Nodes;
using MnrEngine.Testing;
using NUnit.Framework;
using static MnrEngine.Trainer.Tests.Runs.CudaProgram;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>
/// The program with the CUDA kernels, on the host or on a GPU (<see cref="CudaTarget"/>): it trains as on the CPU, repeats itself, and what CUDA refuses is one sentence that leaves everything as
/// it was. Each run is a process of its own, since a library once loaded stays.
/// </summary>
public sealed class CudaRunTests
{
    /// <summary>The weights that a run with checkpoints ends with.</summary>
    private static readonly Lazy<byte[]> WholeRun = new(static () =>
    {
        using TinyRun whole = WithCheckpoints();
        Outcome outcome = Train(whole);
        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        return whole.Weights();
    });

    [SetUp]
    public void SkipWithoutCuda() => CudaProgram.SkipWithoutCuda();

    [Test]
    public void AWholeRunWithDropoutFollowsTheCpuAndRepeatsBitForBit()
    {
        using TinyRun cpu = Run();
        using TinyRun first = Run();
        using TinyRun second = Run();
        cpu.Config["device"] = "cpu";

        Outcome onCpu = Train(cpu);
        Outcome onGpu = Train(first);
        Outcome again = Train(second);

        Assert.That(onCpu.ExitCode, Is.Zero, onCpu.Error);
        Assert.That(onGpu.ExitCode, Is.Zero, onGpu.Error);
        Assert.That(onGpu.Output, Does.Contain("GPU 0 ("));
        List<JsonObject> expected = cpu.Steps();
        List<JsonObject> actual = first.Steps();
        Assert.That(actual, Has.Count.EqualTo(expected.Count));
        Assert.Multiple(() =>
        {
            for (int i = 0; i < expected.Count; i++)
            {
                double loss = (double)expected[i]["loss"]!;
                Assert.That((double)actual[i]["loss"]!, Is.EqualTo(loss).Within(1e-4 * loss), $"loss of step {i + 1}");
            }
        });
        Assert.That(again.ExitCode, Is.Zero, again.Error);
        Assert.That(second.Weights(), Is.EqualTo(first.Weights()));
        Assert.That(second.Steps().Select(static step => (double)step["loss"]!), Is.EqualTo(actual.Select(static step => (double)step["loss"]!)));
    }

    [Test]
    public void ARunInHalfPrecisionComesCloseToOneInFull([Values("tf32", "bf16")] string precision)
    {
        using TinyRun full = Run();
        using TinyRun half = Run();
        half.Config["precision"] = precision;

        Assert.That(Train(full).ExitCode, Is.Zero);
        Outcome outcome = Train(half);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain(precision));
        double[] expected = [.. full.Steps().Select(static step => (double)step["loss"]!)];
        double[] actual = [.. half.Steps().Select(static step => (double)step["loss"]!)];
        Assert.That(actual.Average(), Is.EqualTo(expected.Average()).Within(0.02 * expected.Average()));
    }

    [Test]
    public void AutoTakesTheGpuAndSaysSo()
    {
        using TinyRun run = Run();
        run.Config["max_steps"] = 1;
        run.Config["device"] = "auto";

        Outcome outcome = Train(run);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("GPU 0 ("));
    }

    [Test]
    public void AGpuThatIsNotThereIsRefused()
    {
        using TinyRun run = Run();
        run.Config["device"] = "cuda:7";
        AssertRefused(Train(run), 2, "error: device cuda:7 can't be used: there is no GPU 7: the NVIDIA driver finds 1");
    }

    [Test]
    public void ADeviceThatIsNoneIsRefusedWithThoseThereAre()
    {
        using TinyRun run = Run();
        run.Config["device"] = "gpu";
        AssertRefused(Train(run), 2, "device is \"gpu\", but has to be a text like \"auto\", \"cpu\", \"cuda\", \"cuda:1\"");
    }

    [Test]
    public void TheCpuComputesInSinglePrecisionAlone()
    {
        using TinyRun run = Run();
        run.Config["device"] = "cpu";
        run.Config["precision"] = "bf16";
        AssertRefused(Train(run), 2, "error: precision bf16 needs a GPU, since the CPU computes in fp32 alone, and the CPU was asked for");
    }

    [TestCase("MNR_HOST_MISSING_KERNEL", "adam", 2, "finding kernel adam among those", "CUDA_ERROR_NOT_FOUND")]
    [TestCase("MNR_HOST_FAIL_INIT", "999", 2, "starting the NVIDIA driver", "CUDA_ERROR_UNKNOWN")]
    [TestCase("MNR_HOST_MEMORY", "36000000", 1, "out of memory: GPU 0", "has no room for the ", " are free; a smaller batch_size or max_seq_length needs less")]
    public void AFaultBeforeTheFirstStepIsOneSentence(string setting, string value, int exitCode, params string[] words)
    {
        OnlyOnTheHost();
        using TinyRun run = Run();
        AssertRefused(Train(run, (setting, value)), exitCode, words);
    }

    [TestCase("MNR_HOST_FAIL_LAUNCH", "450:700", "CUDA_ERROR_ILLEGAL_ADDRESS (700")]
    [TestCase("MNR_HOST_FAIL_LAUNCH", "450:719", "CUDA_ERROR_LAUNCH_FAILED (719")]
    [TestCase("MNR_HOST_FAIL_GRAPH", "2", "out of memory: ", "cuGraphInstantiate of a step failed: ", " are free; a smaller batch_size or max_seq_length needs less")]
    public void AFaultInTheMiddleOfARunIsOneSentenceAndLeavesTheLastCheckpoint(string setting, string value, params string[] words)
    {
        OnlyOnTheHost();
        using TinyRun broken = WithCheckpoints();

        Outcome outcome = Train(broken, (setting, value));

        AssertRefused(outcome, 1, words);
        Assert.That(Directory.EnumerateDirectories(Path.Combine(broken.Output, "checkpoints")), Is.Not.Empty);
        Assert.That(Directory.Exists(Path.Combine(broken.Output, "model")), Is.False);
        Outcome resumed = Train(broken);
        Assert.That(resumed.ExitCode, Is.Zero, resumed.Error);
        Assert.That(resumed.Output, Does.Match("training from step [1-9][0-9]* on: "));
        Assert.That(broken.Weights(), Is.EqualTo(WholeRun.Value), "as if nothing had happened");
    }

    [Test]
    public void ARunIsNotResumedInAnotherPrecision()
    {
        using TinyRun run = WithCheckpoints();
        run.Config["max_steps"] = 4;
        Assert.That(Train(run).ExitCode, Is.Zero);
        Directory.Delete(Path.Combine(run.Output, "model"), recursive: true);
        run.Config["precision"] = "bf16";

        AssertRefused(Train(run), 2, "was written by a run with precision fp32, but this run has bf16");
    }

    [Test]
    public void TheDoctorSaysWhatThereIsAndWhere()
    {
        Outcome outcome = Start("doctor", "--threads", "1");
        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Match("NVIDIA driver +.*cuda.*\n").And.Match("cuBLASLt +.*cublasLt.*\n").And.Match("NVRTC +.*nvrtc.*\n"));
        Assert.That(outcome.Output, Does.Match("GPU +0: .*, compute capability [0-9.]+, [0-9.]+ GB").And.Contain("CUDA can be used: device auto takes it."));
    }

    private static TinyRun WithCheckpoints()
    {
        TinyRun run = Run();
        run.Config["checkpoints"] = new JsonObject { ["every_steps"] = 2 };
        run.Config["resume"] = "auto";
        return run;
    }
}
