using System.Text.Json.Nodes;
using MnrEngine.Autograd;
using MnrEngine.Data;
using MnrEngine.Data.Sampling;
using MnrEngine.Evaluation;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Models;
using MnrEngine.Optimizers;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using MnrEngine.Training;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Training;

/// <summary>What the training loop promises besides being right: repeatable, resumable, and without garbage.</summary>
public sealed class TrainerTests
{
    private static readonly string[] Words = ["a", "dog", "man", "runs", "sits", "in", "the", "park", "street", "is", "eating", "two", "people", "red", "blue", "."];

    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("mnrengine-trainer-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void TheNumberOfThreadsDoesNotChangeAByte([Values(2, 3)] int threads)
    {
        using Run one = new(1);
        using Run several = new(threads);
        one.Train(Options());
        several.Train(Options());
        Assert.That(several.Weights(), Is.EqualTo(one.Weights()).AsCollection);
    }

    [Test]
    public void ADifferentSeedDrawsOtherDropoutMasks()
    {
        using Run one = new(1);
        using Run other = new(1);
        one.Train(Options());
        other.Train(Options() with { Seed = 43 });
        Assert.That(other.Weights(), Is.Not.EqualTo(one.Weights()).AsCollection);
    }

    [Test]
    public void ARunStoppedAndResumedEndsWithTheSameWeights([Values(1, 4, 7, 11)] int stopAfter, [Values(1, 2)] int accumulation)
    {
        TrainingOptions options = Options() with { GradientAccumulationSteps = accumulation, ReportEverySteps = 1 };
        using Run whole = new(1);
        TrainingOutcome expected = whole.Train(options);

        Checkpoints checkpoints = new(_folder, kept: 2);
        using Run stopped = new(1, stopAfter);
        TrainingOutcome interrupted = stopped.Train(options, checkpoints);
        if (stopAfter < expected.Steps)
        {
            Assert.That(interrupted, Is.EqualTo(new TrainingOutcome(false, stopAfter, checkpoints.Latest, null)));
            using Run resumed = new(2);
            resumed.Train(options, checkpoints, resume: true);
            Assert.That(resumed.Steps.Select(static s => s.Step), Is.EqualTo(Enumerable.Range(stopAfter + 1, expected.Steps - stopAfter)));
            Assert.That(resumed.Weights(), Is.EqualTo(whole.Weights()).AsCollection);
        }
        else
        {
            Assert.That(stopped.Weights(), Is.EqualTo(whole.Weights()).AsCollection);
        }
    }

    [Test]
    public void CheckpointsAreWrittenAndOldOnesRemoved()
    {
        Checkpoints checkpoints = new(_folder, kept: 2);
        using Run run = new(1);
        run.Train(Options() with { CheckpointEverySteps = 3 }, checkpoints);
        Assert.That(run.CheckpointSteps, Is.EqualTo(new[] { 3, 6, 9 }));
        Assert.That(Directory.GetDirectories(_folder).Select(Path.GetFileName).Order(), Is.EqualTo(new[] { "step-00000006", "step-00000009" }));
        Assert.That(checkpoints.Latest, Does.EndWith("step-00000009"));
    }

    [Test]
    public void ACheckpointOfAnotherSetupIsRefused()
    {
        Checkpoints checkpoints = new(_folder, kept: 1);
        using Run run = new(1);
        run.Train(Options() with { CheckpointEverySteps = 3 }, checkpoints);
        using Run other = new(1);
        InputException error = Assert.Throws<InputException>(
            () => other.Train(Options() with { Optimizer = new OptimizerOptions(2e-3) }, checkpoints, resume: true));
        Assert.That(error.Message, Does.Contain("optimizer").And.Contain("0.001").And.Contain("0.002"));
    }

    [Test]
    public void TheBestWeightsAreKeptWhenAsked()
    {
        double[] scores = [0.3, 0.9, 0.5, 0.4];
        using Run run = new(1, scores: scores);
        TrainingOutcome outcome = run.Train(Options() with { KeepBest = true, EvaluateEverySteps = 3 }, new Checkpoints(_folder, kept: 1));
        using Run shorter = new(1);
        shorter.Train(Options() with { Schedule = new ScheduleOptions(WarmupSteps: 2, TotalSteps: 12), MaxSteps = 6 });
        Assert.That(outcome.BestStep, Is.EqualTo(6));
        Assert.That(run.Weights(), Is.EqualTo(shorter.Weights()).AsCollection);
    }

    /// <summary>
    /// An evaluator of several similarity functions tells by whichever ranks best; figures of two functions don't compare, so that the first evaluation settles
    /// which it is, for the runs that go on from its checkpoints too.
    /// </summary>
    [Test]
    public void TheFirstEvaluationSettlesWhichFigureDecides([Values] bool interrupted)
    {
        Checkpoints checkpoints = new(_folder, kept: 1);
        TrainingOptions options = Options() with { KeepBest = true, EvaluateEverySteps = 3, CheckpointEverySteps = 3, ReportEverySteps = 1 };
        EvaluationFigures first = new("cosine", new Dictionary<string, double> { ["cosine"] = 0.5, ["dot"] = 0.3 });
        EvaluationFigures later = new("dot", new Dictionary<string, double> { ["cosine"] = 0.4, ["dot"] = 0.9 });
        using Run run = new(1, stopAfter: interrupted ? 4 : int.MaxValue) { Figures = evaluations => evaluations == 0 ? first : later };
        TrainingOutcome outcome = run.Train(options, checkpoints);
        if (interrupted)
        {
            Assert.That(outcome.Completed, Is.False);
            using Run rest = new(1) { Figures = _ => later };
            outcome = rest.Train(options, checkpoints, resume: true);
        }

        Assert.That(outcome.BestStep, Is.EqualTo(3));
        Assert.That((string?)JsonNode.Parse(File.ReadAllText(Path.Combine(checkpoints.BestFolder, "best.json")))!["metric_for_best_model"], Is.EqualTo("cosine"));
    }

    /// <summary>Who finds the folder later has to be able to tell which evaluation it was.</summary>
    [Test]
    public void TheBestModelSaysWhichStepItIsAndHowGood()
    {
        Checkpoints checkpoints = new(_folder, kept: 1);
        using Run run = new(1, scores: [0.3, 0.9, 0.5, 0.4]);
        run.Train(Options() with { KeepBest = true, EvaluateEverySteps = 3 }, checkpoints);

        JsonNode best = JsonNode.Parse(File.ReadAllText(Path.Combine(checkpoints.BestFolder, "best.json")))!;

        Assert.That(
            ((int)best["best_global_step"]!, (double)best["epoch"]!, (string)best["metric_for_best_model"]!, (double)best["best_metric"]!), Is.EqualTo((6, 1.0, "score", 0.9)));
        using ModelFolder model = ModelFolder.Open(checkpoints.BestFolder);
        Assert.That(model.Description.EmbeddingDimension, Is.EqualTo(64), "it is a model all the same");
    }

    /// <summary>A correlation with equal scores is NaN, which is no better than anything and nothing that JSON can hold.</summary>
    [Test]
    public void AFigureThatIsNoNumberIsNeverTheBest()
    {
        Checkpoints checkpoints = new(_folder, kept: 1);
        using Run some = new(1, scores: [double.NaN, 0.5, double.NaN, 0.4]);
        using Run none = new(1, scores: [double.NaN, double.NaN, double.NaN, double.NaN]);
        TrainingOptions options = Options() with { KeepBest = true, EvaluateEverySteps = 3, CheckpointEverySteps = 5 };

        Assert.That(some.Train(options, checkpoints).BestStep, Is.EqualTo(6));
        Assert.That(none.Train(options, new Checkpoints(Path.Combine(_folder, "none"), kept: 1)).BestStep, Is.Null);
    }

    [Test]
    public void GradientsOfMicroBatchesAreAveraged()
    {
        using Run run = new(1);
        TrainingOutcome outcome = run.Train(Options() with { GradientAccumulationSteps = 4, Epochs = 1 });
        Assert.That(outcome.Steps, Is.EqualTo(2), "6 batches make one step of 4 and one of 2");
        Assert.That(run.Steps.Select(static s => s.Rows), Is.EqualTo(new[] { 16, 8 }));
    }

    [Test]
    public void ASteadyStepAllocatesNextToNothing()
    {
        using Run run = new(2);
        using Trainer trainer = run.Prepare(Options() with { Epochs = 40, ReportEverySteps = 1, EvaluateAtStart = false, EvaluateAtEnd = false });
        List<long> allocated = [];
        run.OnStep = () => allocated.Add(GC.GetTotalAllocatedBytes(precise: true));
        trainer.Run(CancellationToken.None);
        long[] differences = [.. allocated.Skip(60).Zip(allocated.Skip(61), static (a, b) => b - a)];
        Assert.That(differences, Is.Not.Empty);
        Assert.That(differences.Order().ElementAt(differences.Length / 2), Is.LessThanOrEqualTo(4096), "bytes a step, the median");
    }

    [Test]
    public void ALossThatIsNoNumberEndsTheRunAndLeavesCheckpointsAlone()
    {
        Checkpoints checkpoints = new(_folder, kept: 5);
        using Run run = new(1);
        TrainingException error = Assert.Throws<TrainingException>(
            () => run.Train(Options() with { Optimizer = new OptimizerOptions(1e38), CheckpointEverySteps = 1, ReportEverySteps = 1 }, checkpoints));
        Assert.That(error.Message, Does.StartWith("step "));
        foreach (string folder in Directory.GetDirectories(_folder))
        {
            using SentenceEncoder loaded = SentenceEncoder.Load(folder, run.Kernels);
        }
    }

    private static TrainingOptions Options() => new()
    {
        BatchSize = 4,
        Epochs = 2,
        Optimizer = new OptimizerOptions(1e-3, WeightDecay: 0.01, MaxGradientNorm: 1),
        Schedule = new ScheduleOptions(WarmupRatio: 0.1),
        EvaluateAtStart = false,
        EvaluateAtEnd = false,
    };

    /// <summary>A run of the tiny model over 24 made-up pairs: 6 batches of 4.</summary>
    private sealed class Run : ITrainingObserver, IEvaluator, IDisposable
    {
        private readonly SentenceEncoder _encoder;
        private readonly CancellationTokenSource _stop = new();
        private readonly int _stopAfter;
        private readonly Queue<double> _scores;
        private TrainingData? _data;
        private int _evaluations;

        public Run(int threads, int stopAfter = int.MaxValue, double[]? scores = null)
        {
            Kernels = new CpuKernels(threads);
            _encoder = SentenceEncoder.Load(Fixtures.Path("models", "tiny-bert"), Kernels, training: true);
            _stopAfter = stopAfter;
            _scores = new Queue<double>(scores ?? []);
        }

        public CpuKernels Kernels { get; }

        public List<StepRecord> Steps { get; } = [];

        public List<int> CheckpointSteps { get; } = [];

        public Action? OnStep { get; set; }

        /// <summary>The figures of an evaluation by its number, in place of scores.</summary>
        public Func<int, EvaluationFigures>? Figures { get; init; }

        public string Name => "scripted";

        public TrainingOutcome Train(TrainingOptions options, Checkpoints? checkpoints = null, bool resume = false)
        {
            using Trainer trainer = Prepare(options, checkpoints);
            if (resume)
            {
                trainer.Resume(checkpoints!.Latest!);
            }

            return trainer.Run(_stop.Token);
        }

        public Trainer Prepare(TrainingOptions options, Checkpoints? checkpoints = null)
        {
            Random random = new(1);
            _data?.Dispose();
            _data = new TrainingData(
                new TextDataset(["anchor", "positive"], [.. Enumerable.Range(0, 2).Select(_ => Enumerable.Range(0, 24).Select(_ => Sentence(random)).ToArray())]), _encoder);
            return new Trainer(_encoder, _data, new ShuffledSampler(_data.Rows, options.BatchSize, seed: 7, dropLast: false), options, [this], this, checkpoints);
        }

        public float[] Weights()
        {
            float[] values = new float[_encoder.Parameters.Weights.Length];
            Kernels.Read(_encoder.Parameters.Weights, values);
            return values;
        }

        public EvaluationFigures Evaluate(IEmbedder embedder, EvaluationMoment? moment) => Figures?.Invoke(_evaluations++)
            ?? new("score", new Dictionary<string, double> { ["score"] = _scores.TryDequeue(out double score) ? score : 0 });

        public void Started(RunPlan plan)
        {
        }

        public void Tokenized(int truncatedSentences)
        {
        }

        public void StepsFinished(IReadOnlyList<StepRecord> steps)
        {
            Steps.AddRange(steps);
            OnStep?.Invoke();
            if (Steps[^1].Step >= _stopAfter)
            {
                _stop.Cancel();
            }
        }

        public void Evaluated(EvaluationRecord evaluation)
        {
        }

        public void CheckpointWritten(int step, string folder) => CheckpointSteps.Add(step);

        public void Dispose()
        {
            _data?.Dispose();
            _encoder.Dispose();
            Kernels.Dispose();
            _stop.Dispose();
        }

        private static string Sentence(Random random) => string.Join(' ', Enumerable.Range(0, random.Next(1, 12)).Select(_ => Words[random.Next(Words.Length)]));
    }
}
