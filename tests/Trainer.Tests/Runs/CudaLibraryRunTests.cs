using MnrEngine.Testing;
using NUnit.Framework;
using static MnrEngine.Trainer.Tests.Runs.CudaProgram;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>NVIDIA's libraries as the program finds them: missing, too old, too new for the driver, or something else; each is a sentence before the first step.</summary>
public sealed class CudaLibraryRunTests
{
    [SetUp]
    public void SkipWithoutCuda() => CudaProgram.SkipWithoutCuda();

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

        Outcome outcome = Train(run, (variable, "/nowhere/library.so"), ("MNR_CACHE", run.Folder.File("cache")));

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
}
