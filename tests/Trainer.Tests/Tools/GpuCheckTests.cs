using System.Diagnostics;
using System.Runtime.Versioning;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Tools;

/// <summary>tools/gpu-check.sh with a pretend nvidia-smi and pretend programs: what becomes of stages that can't run, fail or take too long.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Platform("Linux")]
[SupportedOSPlatform("linux")]
public sealed partial class GpuCheckTests : IDisposable
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
        Assert.That(Lines("did not run: no GPU"), Is.EqualTo((string[])["suite", "models", "benchmarks", "sanitizer", "profilers"]));
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
        Program("MnrEngine", "exec sleep 600");
        Program("MnrEngine.Kernels.Tests", "");

        Stopwatch clock = Stopwatch.StartNew();
        Outcome outcome = Run("environment=3", "warmup=3", "environment", "suite");

        Assert.That(outcome.ExitCode, Is.EqualTo(1), outcome.Output + outcome.Error);
        Assert.That(Summary, Does.Contain("| environment | **failed**: stopped after 3 s |").And.Contain("| suite | passed |"));
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(500)), "the program was left to sleep");
    }

    [Test]
    public void ProgramsThatAreNotThereAreNamed()
    {
        HasGpu();
        Directory.Delete(_folder.File("bundle"), recursive: true);

        Outcome outcome = Run("suite");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Output + outcome.Error);
        Assert.That(Summary, Does.Contain("| suite | did not run: no programs: carry out/gpu-bundle.tar.gz"));
    }

    [Test]
    public void ASuiteThatDoesNotComeToItsEndTellsHowFarItCame()
    {
        HasGpu();
        Program("MnrEngine.Kernels.Tests", "echo 'passed One (1ms)'; echo 'passed Two (1ms)'; exec sleep 600");

        Outcome outcome = Run("suite=8", "suite");

        Assert.That(outcome.ExitCode, Is.EqualTo(1), outcome.Output + outcome.Error);
        Assert.That(Summary, Does.Contain("| suite | **failed**: the suite did not come to an end within its time |").And.Contain("2 tests passed and 0 failed until then"));
    }

    [TestCase("1.04", "passed")]
    [TestCase("0.94", "**failed**: not all models")]
    [TestCase("1.06", "**failed**: not all models")]
    public void ModelsFailWhenHalfPrecisionsLossesAreAnothers(string factor, string result)
    {
        HasGpu();
        Program("MnrEngine", $$"""
            [ "$1" = train ] || exit 0
            run=$(dirname "$2")/run; mkdir -p "$run"
            factor=1; grep -q '"precision": "bf16"' "$2" && factor={{factor}}
            awk -v factor=$factor 'BEGIN { for (i = 1; i <= 200; i++) printf "{\"step\":%d,\"loss\":%.8f,\"seconds\":0.01}\n", i, (3 - i / 100) * (i > 180 ? factor : 1) }' >"$run/metrics.jsonl"
            """);

        Run("models=200", "models", "environment");

        Assert.That(Summary, Does.Contain($"| models | {result}"));
        Assert.That(Summary, Does.Contain("minilm: the last 20 losses are 1.095 on average in fp32").And.Contain("| environment | passed |"));
    }

    [Test]
    public void AModelThatIsNotTrainedFailsAndTheOthersAreCompared()
    {
        HasGpu();
        Program("MnrEngine", """
            [ "$1" = train ] || exit 0
            run=$(dirname "$2")/run; mkdir -p "$run"
            case "$2" in *bert-base-tf32*) echo 'out of memory'; exit 1 ;; esac
            for i in 3 2 1; do echo "{\"loss\":$i,\"seconds\":0.01}"; done >"$run/metrics.jsonl"
            """);

        Run("models=200", "models");

        Assert.That(Summary, Does.Contain("| models | **failed**").And.Contain("| bert-base | tf32 | failed or not done").And.Contain("out of memory"));
        Assert.That(Summary, Does.Contain("bert-base: the last 20 losses are 2 on average in fp32 and 2 in bf16").And.Contain("minilm: the last 20 losses are 2 on average in fp32 and 2 in tf32"));
    }

    [TestCase("1.00005", "passed", "9 tests")]
    [TestCase("1.0002", "**failed**: not all runs", "does not follow")]
    [TestCase("nan", "**failed**: not all runs", "does not follow")]
    public void TrainingFailsWhenTheGpuDoesNotFollowTheCpu(string factor, string result, string text)
    {
        HasGpu();
        Program("MnrEngine", Quickstart(steps: 60, factor));
        HasSuites("echo '  total: 9 tests'");

        Run("training=200", "training");

        Assert.That(Summary, Does.Contain($"| training | {result}").And.Contain(text));
        Assert.That(Summary, Does.Contain("quickstart on cuda: trained").And.Contain("quickstart on cpu: trained"));
    }

    [Test]
    public void TrainingComparesTooFewStepsNotAtAll()
    {
        HasGpu();
        Program("MnrEngine", Quickstart(steps: 49, "1"));
        HasSuites("echo '  total: 9 tests'");

        Run("training=200", "training");

        Assert.That(Summary, Does.Contain("| training | **failed**").And.Contain("too few to tell whether").And.Not.Contain("does not follow"));
    }

    [Test]
    public void ASuiteThatFailsOrHangsKeepsNoOtherRunOfTrainingFromBeingJudged()
    {
        HasGpu();
        Program("MnrEngine", Quickstart(steps: 60, "1"));
        HasSuites("echo 'passed One (1ms)'; exec sleep 600");
        Program("MnrEngine.Trainer.Tests", "echo 'failed ARun (1ms)'; echo '  failed: 1'; exit 2");

        Run("training=12", "training", "environment");

        Assert.That(Summary, Does.Contain("| training | **failed**: not all runs").And.Contain("| environment | passed |"));
        Assert.That(Summary, Does.Contain("in all 60 that both made").And.Contain("**exit code 2**").And.Contain("failed ARun").And.Contain("1 tests passed and 0 failed until then"));
    }

    [TestCase("echo '========= Error: the driver is not supported' >&2; exit 1", "did not run: compute-sanitizer can't work here: exit code 1, ========= Error: the driver is not supported")]
    [TestCase("while [ \"$1\" != --log-file ]; do shift; done; echo '========= COMPUTE-SANITIZER' >\"$2\"; echo 'passed One (1ms)'", "passed")]
    [TestCase("while [ \"$1\" != --log-file ]; do shift; done; echo '========= Invalid __global__ write of size 4' >\"$2\"; exit 99", "**failed**: compute-sanitizer found something")]
    [TestCase("echo 'passed One (1ms)'; echo 'failed Two (1ms)'; exit 2", "**failed**: compute-sanitizer found something, or tests failed")]
    [TestCase("echo 'passed One (1ms)'; exec sleep 600", "partial: not all tests were run under memcheck initcheck synccheck racecheck")]
    [TestCase("exec sleep 600", "did not run: compute-sanitizer can't work here: no test came to an end")]
    public void TheSanitizerHasRunOnlyWhereItSawTests(string tool, string result)
    {
        HasGpu();
        Write(Path.Combine("path", "compute-sanitizer"), tool);
        HasSuites("");

        Run("sanitizer=25", "sanitizer");

        Assert.That(Summary, Does.Contain($"| sanitizer | {result}"));
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

    private void HasSuites(string script)
    {
        foreach (string suite in (string[])["Kernels", "Engine", "Trainer"])
        {
            Program($"MnrEngine.{suite}.Tests", script);
        }
    }

    /// <summary>A program that trains the quickstart in no time, on the GPU with other losses.</summary>
    private static string Quickstart(int steps, string factor) => $$"""
        factor=1; for word in "$@"; do case "$word" in device=cuda) factor={{factor}} ;; output=*) output=${word#output=} ;; esac; done
        mkdir -p "$output"
        for i in $(seq {{steps}}); do
          case $factor in nan) loss=null ;; *) loss=$(awk "BEGIN { printf \"%.8f\", $factor * 3 / $i }") ;; esac
          echo "{\"step\":$i,\"loss\":$loss}"
        done >"$output/metrics.jsonl"
        echo 'trained 60 steps'
        """;

    private void Write(string name, string script) =>
        File.SetUnixFileMode(_folder.Write(name, $"#!/bin/sh\n{script}\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    /// <summary>The stages whose result in the table begins so.</summary>
    private IEnumerable<string> Lines(string result) =>
        Summary.Split('\n').Select(static line => line.Split(" | ")).Where(cells => cells.Length == 3 && cells[1].StartsWith(result, StringComparison.Ordinal)).Select(static cells => cells[0].TrimStart('|', ' '));

    /// <param name="words">Stages, and limits of stages in the form <c>stage=seconds</c>.</param>
    private Outcome Run(params string[] words)
    {
        string[] stages = [.. words.Where(static word => !word.Contains('='))];
        ProcessStartInfo start = new("bash", [Path.Combine(Fixtures.RepositoryRoot!, "tools", "gpu-check.sh"), Out, .. stages])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{_folder.File("path")}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["MNR_BUNDLE"] = _folder.File("bundle");
        start.Environment["MNR_LIMITS"] = string.Join(' ', ["environment=400", "suite=100", .. words.Where(static word => word.Contains('='))]);
        start.Environment["MNR_TOTAL"] = "500";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output, error.Result);
    }
}
