using System.Diagnostics;
using System.Runtime.Versioning;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Tools;

/// <summary>tools/gpu-check.sh with a pretend nvidia-smi and pretend programs: what becomes of stages that can't run, fail or take too long.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Platform("Linux")]
[SupportedOSPlatform("linux")]
public sealed class GpuCheckTests : IDisposable
{
    private const long MostBytes = 16 << 20;

    private readonly TemporaryFolder _folder = new();

    public GpuCheckTests()
    {
        Assume.That(Fixtures.RepositoryRoot, Is.Not.Null, "the script is run from the repository");
        HasNoGpu();
        Program("MnrEngine", "echo pretend \"$@\"");
    }

    private string Out => _folder.File("out");

    private string Summary => File.ReadAllText(Path.Combine(Out, "summary.md"));

    [Test]
    public void TheEnvironmentIsDescribedWithoutAGpu()
    {
        Outcome outcome = Run("environment");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Output + outcome.Error);
        Assert.That(Summary, Does.Contain("| environment | passed |").And.Contain("GPU: none was found").And.Contain("pretend doctor"));
        Assert.That(new FileInfo(Path.Combine(Out, "gpu-check.tar.gz")).Length, Is.Positive.And.LessThan(MostBytes));
        Assert.That(Directory.GetFileSystemEntries(Out).Select(Path.GetFileName), Is.EquivalentTo((string[])["summary.md", "gpu-check.tar.gz"]));
    }

    [Test]
    public void StagesThatNeedAGpuSayThatThereIsNoneAndGoOn()
    {
        Outcome outcome = Run("suite", "models", "benchmarks", "sanitizer", "profilers", "environment");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Output + outcome.Error);
        Assert.That(Lines("not run: no GPU"), Is.EqualTo((string[])["suite", "models", "benchmarks", "sanitizer", "profilers"]));
        Assert.That(Lines("passed"), Is.EqualTo((string[])["environment"]));
    }

    [Test]
    public void AStageThatFailsDoesNotKeepTheNextFromRunning()
    {
        HasGpu();
        Program("MnrEngine.Kernels.Tests", "echo '  total: 3'; echo '  failed: 1'; echo 'failed AnOperation (5ms)'; exit 2");

        Outcome outcome = Run("suite", "environment");

        Assert.That(outcome.ExitCode, Is.EqualTo(1), outcome.Output + outcome.Error);
        Assert.That(Summary, Does.Contain("| suite | **failed**: the suite ended with exit code 2 |").And.Contain("failed AnOperation").And.Contain("| environment | passed |"));
        Assert.That(Summary, Does.Contain("GPU: Pretend GPU, 1.0, 80 GiB"));
    }

    [Test]
    public void AStageThatTakesTooLongIsStopped()
    {
        HasGpu();
        Program("MnrEngine.Kernels.Tests", "exec sleep 600");

        Stopwatch clock = Stopwatch.StartNew();
        Outcome outcome = Run("suite", "environment");

        Assert.That(outcome.ExitCode, Is.EqualTo(1), outcome.Output + outcome.Error);
        Assert.That(Summary, Does.Contain("| suite | **stopped after 3 s** |").And.Contain("| environment | passed |"));
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(500)), "the program was left to sleep");
    }

    [Test]
    public void ProgramsThatAreNotThereAreNamed()
    {
        HasGpu();
        Directory.Delete(_folder.File("bundle"), recursive: true);

        Outcome outcome = Run("suite");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Output + outcome.Error);
        Assert.That(Summary, Does.Contain("| suite | not run: no programs: carry out/gpu-bundle.tar.gz"));
    }

    [TestCase("there is no stage 'speed'", "speed")]
    [TestCase("there is no stage 'environment2'", "environment", "environment2")]
    public void AnUnknownStageIsWrongUsage(string sentence, params string[] stages)
    {
        Outcome outcome = Run(stages);

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain(sentence));
        Assert.That(File.Exists(Path.Combine(Out, "summary.md")), Is.False);
    }

    public void Dispose() => _folder.Dispose();

    private void HasNoGpu() => Write(Path.Combine("path", "nvidia-smi"), "echo 'NVIDIA-SMI has failed' ; exit 9");

    private void HasGpu() => Write(Path.Combine("path", "nvidia-smi"), "echo 'Pretend GPU, 1.0, 80 GiB'");

    private void Program(string name, string script) => Write(Path.Combine("bundle", "bin", name), script);

    private void Write(string name, string script) =>
        File.SetUnixFileMode(_folder.Write(name, $"#!/bin/sh\n{script}\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    /// <summary>The stages whose result in the table begins so.</summary>
    private IEnumerable<string> Lines(string result) =>
        Summary.Split('\n').Select(static line => line.Split(" | ")).Where(cells => cells.Length == 3 && cells[1].StartsWith(result, StringComparison.Ordinal)).Select(static cells => cells[0].TrimStart('|', ' '));

    private Outcome Run(params string[] stages)
    {
        ProcessStartInfo start = new("bash", [Path.Combine(Fixtures.RepositoryRoot!, "tools", "gpu-check.sh"), Out, .. stages])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{_folder.File("path")}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["MNR_BUNDLE"] = _folder.File("bundle");
        start.Environment["MNR_LIMITS"] = "environment=400 suite=3";
        start.Environment["MNR_TOTAL"] = "500";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output, error.Result);
    }
}
