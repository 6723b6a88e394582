using System.Diagnostics;
using System.Text.Json.Nodes;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>The program as a process of its own that finds the CUDA kernels on the host or a GPU (<see cref="CudaTarget"/>), and what is expected of it.</summary>
internal static class CudaProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Where runs keep the kernels that they compile: on a GPU, where that takes half a minute, the cache of whoever started the tests.</summary>
    private static string Cache =>
        CudaTarget.IsGpu && Environment.GetEnvironmentVariable("MNR_CACHE") is { Length: > 0 } named ? named : Path.Combine(AppContext.BaseDirectory, "cache");

    public static void SkipWithoutCuda()
    {
        if (!CudaTarget.IsGpu && HostCuda.Folder is null)
        {
            Assert.Ignore(HostCuda.Reason);
        }
    }

    public static TinyRun Run()
    {
        TinyRun run = new();
        run.Config["device"] = "cuda";
        run.Config["dropout"] = 0.1;
        run.Config["max_steps"] = 12;
        run.Config["batch_size"] = 8;
        run.Config["evaluation"] = new JsonObject();
        return run;
    }

    /// <summary>A cache of the run's own, with the kernels that were compiled before.</summary>
    public static string CacheOf(TinyRun run, string name)
    {
        string kernels = Path.Combine(Cache, "kernels");
        string copy = Directory.CreateDirectory(run.Folder.File(name, "kernels")).FullName;
        foreach (string file in Directory.Exists(kernels) ? Directory.GetFiles(kernels, "*.bin") : [])
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return run.Folder.File(name);
    }

    public static void OnlyOnTheHost()
    {
        if (CudaTarget.IsGpu)
        {
            Assert.Ignore("faults are the stand-ins' to make");
        }
    }

    public static void AssertRefused(Outcome outcome, int exitCode, params string[] words)
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

    public static Outcome Train(TinyRun run, params (string Name, string Value)[] settings) => Start(["train", run.ConfigPath], settings);

    public static Outcome Start(params string[] arguments) => Start(arguments, []);

    public static Outcome Start(string[] arguments, (string Name, string Value)[] settings)
    {
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "MnrEngine"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MNR_CACHE"] = Cache;
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
