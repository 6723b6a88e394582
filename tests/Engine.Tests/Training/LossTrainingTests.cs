using System.Text.Json;
using MnrEngine.Autograd;
using MnrEngine.Data;
using MnrEngine.Data.Sampling;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Losses;
using MnrEngine.Models;
using MnrEngine.Optimizers;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using MnrEngine.Training;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Training;

/// <summary>Training with losses that have labels, parameters of their own, or something to draw: right, and resumable to the byte.</summary>
public sealed class LossTrainingTests
{
    private const string Recorded = "trainer-tiny-bert-softmax";

    private static readonly SentenceLoss[] Losses =
    [
        new SoftmaxLoss(3),
        new SoftmaxLoss(3, PairFeatures.Difference | PairFeatures.Product),
        new CosineSimilarityLoss(),
        new CosineSimilarityLoss(PairError.Huber, CosineTransform.Sigmoid),
        new CoSENTLoss(),
        new MatryoshkaLoss(new MultipleNegativesRankingLoss(), [64, 32, 16, 8], [1, 0.5, 2, 1], dimensionsPerStep: 2),
        new MatryoshkaLoss(new CoSENTLoss(), [32, 64]),
    ];

    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("mnrengine-losses-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void TheClassifierBeginsAsTorchsAndEndsAsTheReferences()
    {
        using Run run = new(1);
        JsonElement recorded = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", Recorded + ".json"))).RootElement;
        using SafetensorsFile reference = SafetensorsFile.Open(Fixtures.Path("training", Recorded + ".safetensors"));
        using CpuKernels kernels = new(1);
        using PlannedLoss planned = new SoftmaxLoss(3).Plan(new LossPlan(kernels, 2, 2, 64, recorded.GetProperty("seed").GetInt32()));
        foreach (NamedParameter parameter in planned.Parameters!.Parameters)
        {
            float[] ours = new float[parameter.Length];
            planned.Parameters.Read(parameter, ours);
            float[] theirs = new float[parameter.Length];
            reference.Read("initial." + parameter.Name, theirs);
            Assert.That(ours, Is.EqualTo(theirs).AsCollection, parameter.Name);
        }

        int steps = recorded.GetProperty("steps").GetArrayLength();
        Checkpoints checkpoints = new(_folder, kept: 1);
        TrainingOptions options = Options(new SoftmaxLoss(3)) with
        {
            Optimizer = new OptimizerOptions(recorded.GetProperty("lr").GetDouble(), MaxGradientNorm: 1),
            BatchSize = 16,
            Epochs = 2,
            Dropout = 0,

            // One step more than the reference did, on the same schedule, so that the last checkpoint is of its end.
            MaxSteps = steps + 1,
            Schedule = new ScheduleOptions(WarmupSteps: 3, TotalSteps: steps),
            CheckpointEverySteps = steps,
        };
        run.Train(options, checkpoints);
        using SafetensorsFile classifier = SafetensorsFile.Open(Path.Combine(_folder, $"step-{steps:D8}", "loss.safetensors"));
        foreach (NamedParameter parameter in planned.Parameters.Parameters)
        {
            float[] ours = new float[parameter.Length];
            classifier.Read(parameter.Name, ours);
            float[] theirs = new float[parameter.Length];
            reference.Read("final." + parameter.Name, theirs);
            Closeness.AssertClose(parameter.Name, ours, theirs, tolerance: 1e-5);
        }

        using SentenceEncoder model = SentenceEncoder.Load(Path.Combine(_folder, $"step-{steps:D8}"), kernels);
        Assert.That(model.Parameters.Parameters.Select(static p => p.Name), Has.None.Contain("classifier"));
    }

    [TestCaseSource(nameof(Losses))]
    public void ARunStoppedAndResumedEndsWithTheSameWeights(SentenceLoss loss)
    {
        TrainingOptions options = Options(loss) with { GradientAccumulationSteps = 2 };
        using Run whole = new(1);
        whole.Train(options);
        Checkpoints checkpoints = new(_folder, kept: 1);
        using Run stopped = new(2, stopAfter: 5);
        stopped.Train(options, checkpoints);
        using Run resumed = new(1);
        resumed.Train(options, checkpoints, resume: true);

        Assert.That(resumed.Steps.Select(static s => s.Loss), Is.EqualTo(whole.Steps.Skip(5).Select(static s => s.Loss)).AsCollection);
        Assert.That(resumed.Weights(), Is.EqualTo(whole.Weights()).AsCollection);
        Assert.That(whole.Steps, Has.All.Matches<StepRecord>(static s => double.IsFinite(s!.Loss) && s.GradientNorm > 0));
    }

    [Test]
    public void GradientsOfMicroBatchesAreAveragedInTheClassifierToo()
    {
        // Batches of 8 and of twice 4 rows are the same mean over rows, for a loss that takes each row by itself.
        Checkpoints one = new(Path.Combine(_folder, "one"), kept: 1);
        Checkpoints two = new(Path.Combine(_folder, "two"), kept: 1);
        TrainingOptions options = Options(new SoftmaxLoss(3)) with { Dropout = 0, MaxSteps = 5, CheckpointEverySteps = 4 };
        using Run batch = new(1);
        batch.Train(options, one);
        using Run micro = new(1);
        micro.Train(options with { BatchSize = 4, GradientAccumulationSteps = 2 }, two);
        for (int i = 0; i < 5; i++)
        {
            Assert.That(micro.Steps[i].Loss, Is.EqualTo(batch.Steps[i].Loss).Within(2e-5));
        }

        Closeness.AssertClose("classifier", Classifier(two), Classifier(one), 1e-4);
    }

    [Test]
    public void TodaysTrainerLeavesTheClassifierOutOfClippingAndTheOldFitDoesNot()
    {
        using Run trainer = new(1);
        trainer.Train(Options(new SoftmaxLoss(3)) with { MaxSteps = 1, Dropout = 0 });
        using Run fit = new(1);
        fit.Train(Options(new SoftmaxLoss(3)) with { MaxSteps = 1, Dropout = 0, Optimizer = new OptimizerOptions(1e-3, MaxGradientNorm: 1, ClipLossParameters: true) });
        Assert.That(fit.Steps[0].GradientNorm, Is.GreaterThan(trainer.Steps[0].GradientNorm), "the classifier's gradient counts");
    }

    [Test]
    public void DrawnDimensionsDependOnTheSeed()
    {
        SentenceLoss loss = new MatryoshkaLoss(new MultipleNegativesRankingLoss(), [64, 32, 16, 8], dimensionsPerStep: 1);
        using Run one = new(1);
        one.Train(Options(loss) with { Dropout = 0 });
        using Run other = new(1);
        other.Train(Options(loss) with { Dropout = 0, Seed = 43 });
        Assert.That(other.Steps.Select(static s => s.Loss), Is.Not.EqualTo(one.Steps.Select(static s => s.Loss)));
    }

    [Test]
    public void WhatALossNeedsOfTheDataIsSaid()
    {
        using Run run = new(1);
        Assert.That(
            () => run.Train(Options(new SoftmaxLoss(3)), labels: LabelKind.None), Throws.TypeOf<InputException>().With.Message.EqualTo(
                "SoftmaxLoss needs a class (such as entailment, neutral and contradiction, or 0, 1 and 2) for each row, but the data has no label column: name it with data.label_column"));
        Assert.That(
            () => new CoSENTLoss().CheckData(["anchor", "positive", "negative"], LabelKind.Score), Throws.TypeOf<InputException>().With.Message.EqualTo(
                "CoSENTLoss compares two columns of texts, but the data has 3 (anchor, positive, negative): choose them with data.columns"));
        Assert.That(
            () => new MultipleNegativesRankingLoss(new RankingLossOptions(Hardness: RankingHardness.HardNegatives, HardnessStrength: 5)).CheckData(["anchor", "positive"], LabelKind.None),
            Throws.TypeOf<InputException>().With.Message.Contains("the data has 2 (anchor, positive)"));
        Assert.That(
            () => run.Train(Options(new MatryoshkaLoss(new MultipleNegativesRankingLoss(), [128, 32]))),
            Throws.TypeOf<InputException>().With.Message.EqualTo("loss.matryoshka_dims has 128, but the model's embeddings have only 64 dimensions"));
    }

    private float[] Classifier(Checkpoints checkpoints)
    {
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(checkpoints.Latest!, "loss.safetensors"));
        float[] values = new float[3 * 3 * 64];
        file.Read("classifier.weight", values);
        return values;
    }

    private static TrainingOptions Options(SentenceLoss loss) => new()
    {
        Loss = loss,
        BatchSize = 8,
        MaxSteps = 12,
        Optimizer = new OptimizerOptions(1e-3, WeightDecay: 0.01, MaxGradientNorm: 1),
        Schedule = new ScheduleOptions(WarmupRatio: 0.1),
        EvaluateAtStart = false,
        EvaluateAtEnd = false,
        ReportEverySteps = 1,
    };

    /// <summary>A run of the tiny model over the recorded run's rows, with the labels that the loss needs.</summary>
    private sealed class Run : ITrainingObserver, IDisposable
    {
        private readonly CpuKernels _kernels;
        private readonly SentenceEncoder _encoder;
        private readonly CancellationTokenSource _stop = new();
        private readonly int _stopAfter;

        public Run(int threads, int stopAfter = int.MaxValue)
        {
            _kernels = new CpuKernels(threads);
            _encoder = SentenceEncoder.Load(Fixtures.Path("models", "tiny-bert"), _kernels, training: true);
            _stopAfter = stopAfter;
        }

        public List<StepRecord> Steps { get; } = [];

        public void Train(TrainingOptions options, Checkpoints? checkpoints = null, bool resume = false, LabelKind? labels = null)
        {
            JsonElement columns = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", Recorded + ".json"))).RootElement.GetProperty("columns");
            string[] Texts(string name) => [.. columns.GetProperty(name).EnumerateArray().Select(static t => t.GetString()!)];
            int[] classes = [.. columns.GetProperty("label").EnumerateArray().Select(static l => l.GetInt32())];
            using TrainingData data = new(
                new TextDataset(["premise", "hypothesis"], [Texts("premise"), Texts("hypothesis")]),
                _encoder,
                (labels ?? options.Loss.Labels) switch
                {
                    LabelKind.Class => TrainingLabels.OfClasses(classes),
                    LabelKind.Score => TrainingLabels.OfScores([.. classes.Select(static c => 1 - (c / 2f))]),
                    _ => null,
                },
                maxLength: 48);
            using Trainer trainer = new(_encoder, data, new ShuffledSampler(data.Rows, options.BatchSize, seed: 42, dropLast: false), options, [], this, checkpoints);
            if (resume)
            {
                trainer.Resume(checkpoints!.Latest!);
            }

            trainer.Run(_stop.Token);
        }

        public float[] Weights()
        {
            float[] values = new float[_encoder.Parameters.Weights.Length];
            _kernels.Read(_encoder.Parameters.Weights, values);
            return values;
        }

        public void Started(RunPlan plan)
        {
        }

        public void Tokenized(int truncatedSentences)
        {
        }

        public void StepsFinished(IReadOnlyList<StepRecord> steps)
        {
            Steps.AddRange(steps);
            if (Steps[^1].Step >= _stopAfter)
            {
                _stop.Cancel();
            }
        }

        public void Evaluated(EvaluationRecord evaluation)
        {
        }

        public void CheckpointWritten(int step, string folder)
        {
        }

        public void Dispose()
        {
            _encoder.Dispose();
            _kernels.Dispose();
            _stop.Dispose();
        }
    }
}
