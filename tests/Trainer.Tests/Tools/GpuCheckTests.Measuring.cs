using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Tools;

/// <summary>What is measured, and what is done so that it is measured in time.</summary>
public sealed partial class GpuCheckTests
{
    /// <summary>A program that leaves a model, or figures.</summary>
    private const string Benched = """
        case "$1" in
          train) mkdir -p "$(dirname "$2")/run/model" ;;
          bench) echo '{"training":{"median_seconds":0.01},"encoding":{"sentences":4096,"seconds":0.5}}' ;;
        esac
        """;

    [TestCase("echo 'CMake Error: no compiler'; echo; printf '  \\n\\n'; exit 1", "CMake Error: no compiler")]
    [TestCase("exit 3", "exit code 3, and it says nothing")]
    [TestCase("printf '\\n\\n'; exit 3", "exit code 3, and it says nothing")]
    public void TheReasonIsTheLastLineThatSaysSomething(string cmake, string reason)
    {
        Write(Path.Combine("path", "nvcc"), "exit 0");
        Write(Path.Combine("path", "cmake"), cmake);

        Run("fatbin");

        Assert.That(Summary, Does.Contain($"| fatbin | **failed**: {reason} |"));
    }

    [Test]
    public void KernelsAreCompiledBeforeTheClockOfAStage()
    {
        HasGpu();
        Program("MnrEngine", $$"""
            [ "$1" = train ] || exit 0
            [ -e "{{_folder.File("compiled")}}" ] || { sleep 15; touch "{{_folder.File("compiled")}}"; }
            run=$(dirname "$2")/run; mkdir -p "$run"
            for i in 3 2 1; do echo "{\"loss\":$i,\"seconds\":0.01}"; done >"$run/metrics.jsonl"
            """);

        Run("models=63", "models");

        Assert.That(Summary, Does.Contain("| models | passed |").And.Contain("- warm-up, kernels: compiled in"), "ten seconds are left for each run, and compiling takes fifteen");
    }

    [Test]
    public void AWarmUpThatFailsIsTold()
    {
        HasGpu();
        HasSuites("echo '  total: 3'");
        Program("MnrEngine", "echo 'no kernels today'; echo; exit 1");

        Run("suite");

        Assert.That(Summary, Does.Contain("- warm-up, kernels: exit code 1, no kernels today").And.Contain("| suite | passed |"));
    }

    [Test]
    public void BenchmarksOfAllRowsPass()
    {
        HasGpu();
        HasPeer("""
            while read -r who model kind batch variant; do
              [ "$who" != peer ] || echo "{\"model\": \"$model\", \"kind\": \"$kind\", \"batch\": $batch, \"variant\": \"$variant\", \"$([ $kind = encoding ] && echo sentences_per_second || echo median_ms)\": 20}"
            done <"$(dirname "$rows")/plan.txt" >"$rows"
            """);
        Program("MnrEngine", Benched);

        Run("benchmarks=300", "benchmarks");

        Assert.That(Summary, Does.Contain("| benchmarks | passed |"));
        Assert.That(Summary, Does.Contain("| bert-base | 128 | bf16 | 10.00 | 20.00 | bf16 weights | 2.0 | bf16 weights 20.00; bf16 weights, compiled 20.00; bf16 autocast 20.00; bf16 autocast, compiled 20.00 |"));
        Assert.That(Summary, Does.Contain("| minilm | 32 | tf32 | 10.00 | 20.00 | tf32 | 2.0 | tf32 20.00 |"));
        Assert.That(Summary, Does.Contain("| minilm | 128 | fp32 | 8,192 | 20 | fp32 | 409.6 | fp32 20 |"));
    }

    [Test]
    public void BenchmarksThatHadNoTimeForAllRowsSayHowManyThereAre()
    {
        HasGpu();
        HasPeer("""
            echo '{"model": "minilm", "kind": "training", "batch": 32, "variant": "bf16 weights", "median_ms": 30}' >>"$rows"
            echo '{"model": "minilm", "kind": "training", "batch": 32, "variant": "bf16 weights, compiled", "median_ms": 25}' >>"$rows"
            echo '{"model": "minilm", "kind": "training", "batch": 32, "variant": "bf16 autocast", "error": "no such thing"}' >>"$rows"
            echo '{"model": "minilm", "ki' >>"$rows"
            exec sleep 600
            """);
        Program("MnrEngine", Benched);

        Outcome outcome = Run("benchmarks=25", "benchmarks");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Output + outcome.Error);
        Assert.That(Summary, Does.Match(@"\| benchmarks \| partial: \d+ of 44 rows \|"));
        Assert.That(Summary, Does.Contain("| minilm | 32 | bf16 | 10.00 | 25.00 | bf16 weights, compiled | 2.5 | bf16 weights 30.00; bf16 weights, compiled 25.00; bf16 autocast no such thing |"));
    }

    [Test]
    public void ABenchmarkOfOursThatFailsFailsTheStageAndTheOthersAreThere()
    {
        HasGpu();
        HasPeer("");
        Program("MnrEngine", $"case \"$*\" in *tf32*) echo 'out of memory' >&2; exit 1 ;; esac\n{Benched}");

        Run("benchmarks=300", "benchmarks");

        Assert.That(Summary, Does.Contain("| benchmarks | **failed**: a benchmark failed; see the page |").And.Contain("**bench of minilm in tf32 at batch 32: exit code 1**: out of memory"));
        Assert.That(Summary, Does.Contain("| minilm | 32 | bf16 | 10.00 |"));
    }

    [TestCase("attention_row_dots_bf16", "attention_short_backward_bf16_d64", "passed")]
    [TestCase("attention_row_dots_bf16", "adam", "**failed**: launches of other operations lay in AttentionBackward's range: adam")]
    public void TheLaunchesInARangeOfNvtxAreThoseOfItsOperation(string first, string second, string result)
    {
        HasGpu();
        HasNvtx($"  case \"$*\" in *--nvtx*) echo '  {first} (1, 1, 1)x(256, 1, 1), Context 1'; echo '  {second} (256, 12, 1)x(128, 1, 1), Context 1' ;; esac");

        Run("profilers");

        Assert.That(Summary, Does.Contain($"| profilers | {result} |"));
        Assert.That(Summary, Does.Contain("ncu took 2 launches in the range backward > AttentionBackward of the domain MnrEngine"));
    }

    [TestCase("echo '==WARNING== No kernels were profiled.'", "**failed**: no launch lay in a range of NVTX")]
    [TestCase("case \"$*\" in *--nvtx*) exit 1 ;; esac", "**failed**: ncu failed with ranges, though it worked without")]
    [TestCase("case \"$*\" in *--nvtx*) exit 124 ;; esac", "partial: no time was left for ncu with ranges of NVTX")]
    [TestCase("echo '==ERROR== no permission'; exit 1", "passed")]
    public void RangesThatNoLaunchLiesInFailWhereNcuWorks(string ncu, string result)
    {
        HasGpu();
        HasNvtx(ncu);

        Run("profilers");

        Assert.That(Summary, Does.Contain($"| profilers | {result} |"));
    }

    [TestCase("touch \"$2.nsys-rep\"", "passed", "Nsight Systems: profilers/steps.nsys-rep and nsys.txt")]
    [TestCase("touch \"$2.qdstrm\"; exit 1", "passed", "Nsight Systems recorded profilers/steps.qdstrm, of which it could make no report here")]
    [TestCase("exit 1", "passed", "Nsight Systems did not work here")]
    [TestCase("exit 124", "partial: no time was left for nsys", "ncu took 1 launches")]
    public void WhatNsightSystemsCouldDoIsSaid(string nsys, string result, string note)
    {
        HasGpu();
        HasNvtx("echo '  attention_row_dots_bf16 (1, 1, 1)x(256, 1, 1), Context 1'");
        Write(Path.Combine("path", "nsys"), $"[ \"$1\" = profile ] || exit 0\nwhile [ \"$1\" != --output ]; do shift; done\n{nsys}");

        Run("profilers");

        Assert.That(Summary, Does.Contain($"| profilers | {result} |").And.Contain(note));
    }

    [Test]
    public void NoTimeForNsightComputeIsSaid()
    {
        HasGpu();
        HasNvtx("exit 124");

        Run("profilers");

        Assert.That(Summary, Does.Contain("| profilers | partial: no time was left for ncu and its ranges of NVTX |"));
    }

    [Test]
    public void WhatHadNoTimeIsSaidThoughTheRestDidNotWork()
    {
        HasGpu();
        HasNvtx("exit 1");
        Write(Path.Combine("path", "nsys"), "exit 124");

        Run("profilers");

        Assert.That(Summary, Does.Contain("| profilers | partial: no time was left for nsys |").And.Contain("Nsight Compute did not work here"));
    }

    private void HasNvtx(string ncu)
    {
        Program("MnrEngine", "echo pretend");
        Write(Path.Combine("path", "ncu"), ncu);
        Write(Path.Combine("path", "cmake"), "[ \"$1\" != --build ] || touch \"$2/libmnr_nvtx.so\"; [ \"$1\" = --build ] || mkdir -p \"$4\"");
    }

    /// <summary>A python3 that has sentence-transformers, whose peer does this with the file <c>$rows</c>; everything else is the real one's.</summary>
    private void HasPeer(string measure)
    {
        string? python = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(static folder => Path.Combine(folder, "python3")).FirstOrDefault(File.Exists);
        Assume.That(python, Is.Not.Null, "there is no python3 to make the table with");
        Write(Path.Combine("path", "python3"), $$"""
            case "$*" in
              *importlib.util* | *--prepare*) exit 0 ;;
              *--rows*) ;;
              *) exec "{{python}}" "$@" ;;
            esac
            while [ "$1" != --rows ]; do shift; done
            rows=$2
            IFS='	'
            {{measure}}
            """);
    }
}
