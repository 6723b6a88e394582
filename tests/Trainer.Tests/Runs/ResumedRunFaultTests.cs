using System.Security.Cryptography;
using System.Text.Json.Nodes;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Cuda;
using MnrEngine.Testing;
using NUnit.Framework;
using static MnrEngine.Trainer.Tests.Runs.CudaProgram;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>What may go wrong on a real GPU when a run is resumed: each is one sentence and leaves the checkpoints as they were, so that the run goes on when it is put right.</summary>
public sealed class ResumedRunFaultTests
{
    private const string Nowhere = "/nowhere/library.so";

    [SetUp]
    public void SkipWithoutCuda() => CudaProgram.SkipWithoutCuda();

    [TestCase("MNR_CUDA_DRIVER", "the NVIDIA driver was not found")]
    [TestCase("MNR_CUBLASLT", "cuBLASLt was not found")]
    public void AMissingLibrary(string variable, string words) =>
        AssertLeftAlone(static _ => { }, [(variable, Nowhere)], exitCode: 2, "error: device cuda can't be used: " + words, Nowhere);

    [Test]
    public void KernelsThatTheDriverRefuses()
    {
        if (File.Exists(Path.Combine(AppContext.BaseDirectory, "kernels.fatbin")))
        {
            Assert.Ignore("kernels.fatbin beside the program comes before kernels that were compiled earlier");
        }

        AssertLeftAlone(
            static cache =>
            {
                foreach (string file in Directory.GetFiles(Path.Combine(cache, "kernels"), "*.bin"))
                {
                    Keep(file, ".version 99.9\n.target sm_80\n.address_size 64\n\0"u8);
                }
            },
            [("MNR_NVRTC", Nowhere)], exitCode: 2, "NVRTC was not found", "the driver can't load kernels compiled by NVRTC ", "CUDA_ERROR_");
    }

    [Test]
    public void AFullGpu()
    {
        if (!CudaTarget.IsGpu)
        {
            Assert.Ignore("memory is shared between processes on a GPU alone; CudaRunTests has a small GPU on the host");
        }

        using CudaKernels kernels = CudaTarget.Create(new CudaOptions());
        List<DeviceArena> arenas = [];
        try
        {
            AssertLeftAlone(_ => Fill(kernels, arenas), [], exitCode: 1, "error: out of memory: ", "a smaller batch_size or max_seq_length needs less");
        }
        finally
        {
            Release(arenas);
        }

        void Fill(CudaKernels kernels, List<DeviceArena> arenas)
        {
            for (long bytes = 8L << 30; bytes >= 1L << 20;)
            {
                try
                {
                    arenas.Add(kernels.CreateArena("what fills the GPU", bytes));
                }
                catch (OutOfMemoryException)
                {
                    bytes /= 2;
                }
            }
        }
    }

    private static void Release(List<DeviceArena> arenas)
    {
        arenas.ForEach(static arena => arena.Dispose());
        arenas.Clear();
    }

    /// <summary>A run that has a checkpoint but no model yet is resumed with a fault, which changes nothing, and without it, which ends it.</summary>
    private static void AssertLeftAlone(Action<string> damage, (string Name, string Value)[] settings, int exitCode, params string[] words)
    {
        using TinyRun run = Run();
        run.Config["max_steps"] = 4;
        run.Config["checkpoints"] = new JsonObject { ["every_steps"] = 2 };
        run.Config["resume"] = "auto";
        string cache = CacheOf(run, "cache");
        Outcome whole = Train(run, ("MNR_CACHE", cache));
        Assert.That(whole.ExitCode, Is.Zero, whole.Error);
        byte[] weights = run.Weights();
        Directory.Delete(Path.Combine(run.Output, "model"), recursive: true);
        string before = Checkpoints(run);
        Assert.That(before, Is.Not.Empty);

        damage(cache);
        Outcome outcome = Train(run, [("MNR_CACHE", cache), .. settings]);

        AssertRefused(outcome, exitCode, words);
        Assert.That(Checkpoints(run), Is.EqualTo(before));
        if (settings.Length > 0)
        {
            Outcome resumed = Train(run, ("MNR_CACHE", CacheOf(run, "other cache")));
            Assert.That(resumed.ExitCode, Is.Zero, resumed.Error);
            Assert.That(run.Weights(), Is.EqualTo(weights));
        }
    }

    /// <summary>Every file of the checkpoints with its checksum.</summary>
    private static string Checkpoints(TinyRun run) => string.Join(
        '\n',
        Directory.EnumerateFiles(Path.Combine(run.Output, "checkpoints"), "*", SearchOption.AllDirectories).Order()
            .Select(static file => $"{file} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}"));

    /// <summary>Kernels as the cache keeps them, whole as far as it can tell.</summary>
    private static void Keep(string file, ReadOnlySpan<byte> image) => File.WriteAllBytes(file, [.. "MNRKERN1"u8, .. SHA256.HashData(image), .. image]);
}
