using System.Security.Cryptography;
using System.Text;
using MnrEngine.Testing;
using NUnit.Framework;
using static MnrEngine.Trainer.Tests.Runs.CudaProgram;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>Where the program has its kernels from: kept from an earlier run or shipped beside it they need no compiler, and what the driver refuses is told in its own words.</summary>
public sealed class KernelOriginRunTests
{
    private const string NoCompiler = "/nowhere/libnvrtc.so";

    [SetUp]
    public void SkipWithoutCuda()
    {
        CudaProgram.SkipWithoutCuda();
        OnlyOnTheHost();
    }

    [Test]
    public void KernelsThatWereCompiledBeforeNeedNoCompiler()
    {
        using TinyRun run = Run();
        run.Config["max_steps"] = 1;
        run.Config["overwrite"] = true;
        (string, string) cache = ("MNR_CACHE", run.Folder.File("cache"));
        Assert.That(Doctor(cache, ("MNR_NVRTC", NoCompiler)), Does.Contain("CUDA can't be used, everything runs on the CPU: NVRTC was not found; ").And.Contain("no kernels that were compiled for GPU 0"));
        Assert.That(Doctor(cache), Does.Match("kernels +for GPU 0: to be compiled by NVRTC 12.4 for sm_80\n").And.Contain("CUDA can be used"));
        Assert.That(Train(run, cache).ExitCode, Is.Zero);

        Outcome without = Train(run, cache, ("MNR_NVRTC", NoCompiler));

        Assert.That(without.ExitCode, Is.Zero, without.Error);
        Assert.That(without.Output, Does.Contain("kernels compiled by NVRTC 12.4 for sm_80 before"));
        Assert.That(Doctor(cache, ("MNR_NVRTC", NoCompiler)), Does.Match("kernels +for GPU 0: compiled by NVRTC 12.4 for sm_80 before\n").And.Contain("CUDA can be used"));
        Assert.That(Doctor(cache), Does.Match("kernels +for GPU 0: compiled by NVRTC 12.4 for sm_80 before\n"));
    }

    [Test]
    public void KernelsThatWereCompiledForAnotherGpuAreNotTaken()
    {
        using TinyRun run = Run();
        run.Config["max_steps"] = 1;
        (string, string) cache = ("MNR_CACHE", run.Folder.File("cache"));
        Assert.That(Train(run, cache).ExitCode, Is.Zero);
        run.Config["output"] = "other";

        Outcome outcome = Train(run, cache, ("MNR_NVRTC", NoCompiler), ("MNR_HOST_COMPUTE_CAPABILITY", "9.0"));

        AssertRefused(outcome, 2, "NVRTC was not found, looked for as /nowhere/libnvrtc.so", "no kernels that were compiled for GPU 0");
    }

    [Test]
    public void AFatbinThatDoesNotLoadIsToldWhereThereIsNoCompiler()
    {
        using TinyRun run = Run();
        string program = Path.Combine(AppContext.BaseDirectory, "kernels.fatbin");
        try
        {
            File.WriteAllText(program, "host kernels as machine code\narchitecture sm_90\n");
            File.WriteAllText(program + ".sources", Checksums());

            (string, string)[] settings = [("MNR_CACHE", run.Folder.File("cache")), ("MNR_NVRTC", NoCompiler)];
            const string Refusal = "the driver can't load kernels of kernels.fatbin (CUDA_ERROR_NO_BINARY_FOR_GPU (209, ";
            const string Log = "): code for sm_90 does not run on this device with this driver)";
            AssertRefused(Train(run, settings), 2, "NVRTC was not found, looked for as /nowhere/libnvrtc.so", Refusal, Log);
            Assert.That(Doctor(settings), Does.Contain("CUDA can't be used, everything runs on the CPU: NVRTC was not found; ").And.Contain(Refusal).And.Contain(Log));

            Outcome compiled = Train(run);
            Assert.That(compiled.ExitCode, Is.Zero, compiled.Error);
            Assert.That(compiled.Output, Does.Contain("kernels compiled by NVRTC"));
        }
        finally
        {
            File.Delete(program);
            File.Delete(program + ".sources");
        }
    }

    [Test]
    public void PtxThatIsTooNewForTheDriverIsRefusedWithWhatTheDriverSays()
    {
        OnlyOnTheHost();
        using TinyRun run = Run();

        // NVRTC 12.4 knows GPUs up to 9.0: later ones get PTX, which the driver compiles.
        Outcome outcome = Train(run, ("MNR_HOST_COMPUTE_CAPABILITY", "10.0"), ("MNR_HOST_DRIVER_VERSION", "12020"));

        AssertRefused(
            outcome, 2,
            "the driver, made for CUDA 12.2, can't load kernels compiled by NVRTC 12.4 for compute_90 (CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
            "): code for compute_90 does not run on this device with this driver): update the driver");
    }

    private static string Doctor(params (string, string)[] settings)
    {
        Outcome outcome = Start(["doctor", "--threads", "1"], settings);
        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        return outcome.Output;
    }

    /// <summary>What the build writes beside a fatbin, from the sources themselves.</summary>
    private static string Checksums()
    {
        string root = Fixtures.RepositoryRoot!;
        IEnumerable<string> files = Directory.EnumerateFiles(Path.Combine(root, "src", "Kernels", "Cuda", "Native"), "*.cuh").Append(Path.Combine(root, "kernels.cu"));
        return string.Concat(files.Select(static file =>
            $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(File.ReadAllText(file).ReplaceLineEndings("\n"))))}  {Path.GetFileName(file)}\n"));
    }
}
