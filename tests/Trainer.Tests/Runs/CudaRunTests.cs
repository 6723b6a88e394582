using System.Diagnostics;
using System.Text.Json.Nodes;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>
/// The program with the CUDA kernels, on the host or on a GPU (<see cref="CudaTarget"/>): it trains as on the CPU, repeats itself, and what CUDA refuses is one sentence that leaves everything as
/// it was. Each run is a process of its own, since a library once loaded stays.
/// </summary>
public sealed class CudaRunTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [SetUp]
    public void SkipWithoutCuda()
    {
        if (!CudaTarget.IsGpu && HostCuda.Folder is null)
        {
            Assert.Ignore(HostCuda.Reason);
        }
    }

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
    public void AutoTakesTheCpuWhereALibraryIsMissingAndSaysWhich()
    {
        using TinyRun run = Run();
        run.Config["max_steps"] = 1;
        run.Config["device"] = "auto";

        Outcome outcome = Train(run, ("MNR_CUBLASLT", "/nowhere/libcublasLt.so"));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("the GPU is not used: cuBLASLt was not found").And.Contain("CPU, "));
    }

    [TestCase("MNR_CUDA_DRIVER", "the NVIDIA driver")]
    [TestCase("MNR_CUBLASLT", "cuBLASLt")]
    [TestCase("MNR_NVRTC", "NVRTC")]
    public void AMissingLibraryIsASentenceThatSaysWhatWasTriedAndWhatToDo(string variable, string library)
    {
        using TinyRun run = Run();

        Outcome outcome = Train(run, (variable, "/nowhere/library.so"));

        AssertRefused(outcome, 2, $"error: device cuda can't be used: {library} was not found, looked for as /nowhere/library.so: install ", variable);
        Assert.That(Directory.Exists(run.Output), Is.False);
    }

    [Test]
    public void ADriverTooOldForAnyFunctionIsRefusedBeforeTheFirstStep()
    {
        OnlyOnTheHost();
        using TinyRun run = Run();

        Outcome outcome = Train(run, ("MNR_CUDA_DRIVER", OldDriver()));

        AssertRefused(
            outcome, 2, $"error: device cuda can't be used: the NVIDIA driver {OldDriver()} has no cuGraphInstantiateWithFlags: a driver for CUDA 11.4 or later is needed; install ");
        Assert.That(Directory.Exists(run.Output), Is.False);
    }

    [Test]
    public void AutoTakesTheCpuWhereTheDriverIsTooOldAndSaysSo()
    {
        OnlyOnTheHost();
        using TinyRun run = Run();
        run.Config["max_steps"] = 1;
        run.Config["device"] = "auto";

        Outcome outcome = Train(run, ("MNR_CUDA_DRIVER", OldDriver()));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("the GPU is not used: the NVIDIA driver").And.Contain("has no cuGraphInstantiateWithFlags").And.Contain("CPU, "));
    }

    [TestCase("MNR_CUBLASLT", "cuBLASLt", "cublasLtGetVersion")]
    [TestCase("MNR_NVRTC", "NVRTC", "nvrtcVersion")]
    public void ALibraryThatIsAnotherIsRefused(string variable, string library, string function)
    {
        OnlyOnTheHost();
        using TinyRun run = Run();
        string file = Path.Combine(HostCuda.Folder!, "libmnr_host_kernels.so");

        Outcome outcome = Train(run, (variable, file), ("MNR_CACHE", run.Folder.File("cache")));

        AssertRefused(outcome, 2, $"{library} {file} has no {function} and ", "or later is needed", variable);
    }

    [TestCase("libcublasLt.so", "cuBLASLt")]
    [TestCase("libnvrtc.so", "NVRTC")]
    public void ALibraryOfALaterCudaThanTheDriversIsPassedOverForAnEarlierOne(string library, string what)
    {
        OnlyOnTheHost();
        using TinyRun run = Run();
        string folder = LibrariesWithALater(library, run.Folder.File("libraries"));
        run.Config["max_steps"] = 1;

        Outcome outcome = Train(run, ("MNR_CUDA_LIBRARIES", folder));
        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(Start(["doctor", "--threads", "1"], [("MNR_CUDA_LIBRARIES", folder)]).Output, Does.Match($@"{what} +{folder}/{library}\.12\n"));
        Assert.That(
            Start(["doctor", "--threads", "1"], [("MNR_CUDA_LIBRARIES", folder), ("MNR_HOST_DRIVER_VERSION", "13000")]).Output, Does.Match($@"{what} +{folder}/{library}\.13\n"));
    }

    [TestCase("libcublasLt.so", "cuBLASLt", "MNR_CUBLASLT")]
    [TestCase("libnvrtc.so", "NVRTC", "MNR_NVRTC")]
    public void ALibraryOfALaterCudaThanTheDriversIsRefused(string library, string what, string variable)
    {
        OnlyOnTheHost();
        using TinyRun run = Run();
        string folder = LibrariesWithALater(library, run.Folder.File("libraries"));
        string file = Path.Combine(folder, library + ".13");

        Outcome outcome = Train(run, ("MNR_CUDA_LIBRARIES", folder), (variable, file), ("MNR_CACHE", run.Folder.File("cache")));

        AssertRefused(outcome, 2, $"{what} {file} is of CUDA 13, but the driver {folder}/libcuda.so.1 is for CUDA 12.4: update the driver, or get the library of CUDA 12 (install ");
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
    [TestCase("MNR_HOST_MEMORY", "36000000", 1, "out of memory: GPU 0", "are free")]
    public void AFaultBeforeTheFirstStepIsOneSentence(string setting, string value, int exitCode, params string[] words)
    {
        OnlyOnTheHost();
        using TinyRun run = Run();
        AssertRefused(Train(run, (setting, value)), exitCode, words);
    }

    [Test]
    public void PtxThatIsTooNewForTheDriverIsRefused()
    {
        OnlyOnTheHost();
        using TinyRun run = Run();

        // NVRTC 12.4 knows GPUs up to 9.0: later ones get PTX, which the driver compiles.
        Outcome outcome = Train(run, ("MNR_HOST_COMPUTE_CAPABILITY", "10.0"), ("MNR_HOST_DRIVER_VERSION", "12020"));

        AssertRefused(outcome, 2, "the driver, made for CUDA 12.2, can't load kernels compiled by NVRTC 12.4 for compute_90 (CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "update the driver");
    }

    [Test]
    public void AFaultInTheMiddleOfARunIsOneSentenceAndLeavesTheLastCheckpoint()
    {
        OnlyOnTheHost();
        using TinyRun whole = Run();
        using TinyRun broken = Run();
        foreach (TinyRun run in (TinyRun[])[whole, broken])
        {
            run.Config["checkpoints"] = new JsonObject { ["every_steps"] = 5 };
            run.Config["resume"] = "auto";
        }

        Assert.That(Train(whole).ExitCode, Is.Zero);

        Outcome outcome = Train(broken, ("MNR_HOST_FAIL_LAUNCH", "450:700"));

        AssertRefused(outcome, 1, "CUDA_ERROR_ILLEGAL_ADDRESS (700");
        Assert.That(Directory.EnumerateDirectories(Path.Combine(broken.Output, "checkpoints")), Is.Not.Empty);
        Assert.That(Directory.Exists(Path.Combine(broken.Output, "model")), Is.False);
        Outcome resumed = Train(broken);
        Assert.That(resumed.ExitCode, Is.Zero, resumed.Error);
        Assert.That(broken.Weights(), Is.EqualTo(whole.Weights()), "as if nothing had happened");
    }

    [Test]
    public void TheDoctorSaysWhatThereIsAndWhere()
    {
        Outcome outcome = Start("doctor", "--threads", "1");
        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Match("NVIDIA driver +.*cuda.*\n").And.Match("cuBLASLt +.*cublasLt.*\n").And.Match("NVRTC +.*nvrtc.*\n"));
        Assert.That(outcome.Output, Does.Match("GPU +0: .*, compute capability [0-9.]+, [0-9.]+ GB").And.Contain("CUDA can be used: device auto takes it."));
    }

    private static TinyRun Run()
    {
        TinyRun run = new();
        run.Config["device"] = "cuda";
        run.Config["dropout"] = 0.1;
        run.Config["max_steps"] = 12;
        run.Config["batch_size"] = 8;
        run.Config["evaluation"] = new JsonObject();
        return run;
    }

    private static void OnlyOnTheHost()
    {
        if (CudaTarget.IsGpu)
        {
            Assert.Ignore("faults are the stand-ins' to make");
        }
    }

    private static string OldDriver()
    {
        if (HostCuda.OldDriver is not string file)
        {
            Assert.Ignore("the stand-in of an old driver is not here");
            return "";
        }

        return file;
    }

    /// <summary>The stand-ins, in a folder where one of them lies a second time as that of CUDA 13.</summary>
    private static string LibrariesWithALater(string library, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.EnumerateFiles(HostCuda.Folder!))
        {
            File.CreateSymbolicLink(Path.Combine(folder, Path.GetFileName(file)), file);
        }

        // A copy, since the loader knows a file again by any of its names.
        File.Copy(Path.Combine(HostCuda.Folder!, library + ".12"), Path.Combine(folder, library + ".13"));
        return folder;
    }

    private static void AssertRefused(Outcome outcome, int exitCode, params string[] words)
    {
        Assert.That(outcome.ExitCode, Is.EqualTo(exitCode), outcome.Error);
        string sentence = outcome.Error.TrimEnd().Split('\n')[^1];
        Assert.That(sentence, Does.StartWith("error: "), outcome.Error);
        Assert.That(outcome.Error, Does.Not.Contain("   at "), "no stack trace");
        foreach (string word in words)
        {
            Assert.That(sentence, Does.Contain(word));
        }
    }

    private static Outcome Train(TinyRun run, params (string Name, string Value)[] settings) => Start(["train", run.ConfigPath], settings);

    private static Outcome Start(params string[] arguments) => Start(arguments, []);

    private static Outcome Start(string[] arguments, (string Name, string Value)[] settings)
    {
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "MnrEngine"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MNR_CACHE"] = Path.Combine(AppContext.BaseDirectory, "cache");
        if (!CudaTarget.IsGpu)
        {
            start.Environment["MNR_CUDA_LIBRARIES"] = HostCuda.Folder;
        }

        foreach ((string name, string value) in settings)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail($"no end after {Patience}");
        }

        return new Outcome(process.ExitCode, output.Result, error.Result);
    }
}
