using System.Text.Json;
using MnrEngine.Data;
using MnrEngine.Data.Sampling;
using MnrEngine.Evaluation;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Cuda;
using MnrEngine.Losses;
using MnrEngine.Models;
using MnrEngine.Optimizers;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using MnrEngine.Training;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Training;

/// <summary>
/// Whole runs of the reference libraries, repeated step by step: the article's loop, the old fit, today's Trainer. Dropout is off, so that
/// every loss, learning rate and gradient norm can be compared.
/// </summary>
public sealed class TrainingFixtureTests
{
    // Two trainers in single precision drift apart by about this much in a run.
    private const double FinalTolerance = 1e-4;

    private static readonly string[] NoGradientInExactArithmetic = ["attention.self.key.bias", "attention.attn.k.bias"];

    public static IEnumerable<string> TinyRuns => Runs(static run => !IsLarge(run));

    public static IEnumerable<HostSettings> HostOrders => [HostSettings.Usual, .. HostSettings.OnTheHost(HostSettings.AllOthers)];

    public static IEnumerable<string> LargeRuns => Runs(IsLarge);

    [TestCaseSource(nameof(TinyRuns))]
    public void ATinyRunIsTheReferences(string name)
    {
        using Replay replay = new(name, Fixtures.Path("models", Model(name)), new CpuKernels());
        replay.Train();
        replay.AssertSteps(static _ => 1e-5);
        replay.AssertFinalWeights();
    }

    [Test]
    public void ATinyRunBeginsAsTheReferencesOnTheCudaKernels([ValueSource(nameof(TinyRuns))] string name, [ValueSource(nameof(HostOrders))] HostSettings settings)
    {
        using Replay replay = new(name, Fixtures.Path("models", Model(name)), CudaTarget.Create(new CudaOptions(), settings));
        replay.Train(maxSteps: 5);
        replay.AssertSteps(static _ => 1e-5);
    }

    [Test]
    [Explicit("minutes on the host")]
    [Category("Long")]
    public void ATinyRunIsTheReferencesOnTheCudaKernels([ValueSource(nameof(TinyRuns))] string name)
    {
        using Replay replay = new(name, Fixtures.Path("models", Model(name)), CudaTarget.Create(new CudaOptions()));
        replay.Train();
        replay.AssertSteps(static _ => 1e-5);
        replay.AssertFinalWeights();
    }

    [TestCaseSource(nameof(LargeRuns))]
    public void APretrainedRunIsTheReferences(string name) => AssertPretrainedRun(name, Fixtures.LargeModel(Model(name)), new CpuKernels());

    [TestCaseSource(nameof(LargeRuns))]
    public void APretrainedRunIsTheReferencesOnAGpu(string name)
    {
        if (!CudaTarget.IsGpu)
        {
            Assert.Ignore("takes a GPU");
        }

        AssertPretrainedRun(name, Fixtures.LargeModel(Model(name)), CudaTarget.Create(new CudaOptions()));
    }

    [Explicit("minutes on the host")]
    [Category("Long")]
    [TestCaseSource(nameof(LargeRuns))]
    public void APretrainedRunBeginsAsTheReferencesOnTheCudaKernels(string name)
    {
        string folder = Fixtures.LargeModel(Model(name));
        using Replay replay = new(name, folder, CudaTarget.Create(new CudaOptions()));
        replay.Train(maxSteps: 1);
        replay.AssertSteps(static _ => 1e-4);
    }

    private static void AssertPretrainedRun(string name, string folder, IKernels kernels)
    {
        using Replay replay = new(name, folder, kernels);
        replay.AssertStsScores("before");
        replay.Train();
        replay.AssertSteps(static step => step < 15 ? 1e-4 : 1e-3);
        replay.AssertStsScores("after");
        replay.AssertEmbeddings();
    }

    private static bool IsLarge(JsonElement run) => !run.GetProperty("model").GetString()!.StartsWith("tiny-", StringComparison.Ordinal);

    private static string Model(string name) => Read(name).GetProperty("model").GetString()!;

    private static JsonElement Read(string name) => JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", name + ".json"))).RootElement;

    private static IEnumerable<string> Runs(Func<JsonElement, bool> chosen) =>
        from file in Directory.EnumerateFiles(Fixtures.Path("training"), "*.json")
        orderby file
        let name = Path.GetFileNameWithoutExtension(file)
        let run = Read(name)
        where run.ValueKind == JsonValueKind.Object && run.TryGetProperty("mode", out _)
        where chosen(run)
        select name;

    /// <summary>One recorded run and ours.</summary>
    private sealed class Replay : ITrainingObserver, IDisposable
    {
        private readonly string _name;
        private readonly JsonElement _run;
        private readonly IKernels _kernels;
        private readonly SentenceEncoder _encoder;
        private readonly List<StepRecord> _steps = [];
        private readonly CancellationTokenSource _stop = new();
        private readonly string[][] _columns;
        private readonly TrainingLabels? _labels;
        private readonly IBatchSampler _sampler;
        private int? _stopAfter;

        public Replay(string name, string folder, IKernels kernels)
        {
            _kernels = kernels;
            _name = name;
            _run = Read(name);
            _encoder = SentenceEncoder.Load(folder, _kernels, training: true);
            _columns = _run.TryGetProperty("columns", out JsonElement columns)
                ? [.. columns.EnumerateObject().Where(static c => c.Name != "label").Select(static c => c.Value.EnumerateArray().Select(static t => t.GetString()!).ToArray())]
                : [.. Enumerable.Range(0, _run.GetProperty("rows")[0].GetArrayLength())
                    .Select(c => _run.GetProperty("rows").EnumerateArray().Select(r => r[c].GetString()!).ToArray())];
            _labels = columns.ValueKind == JsonValueKind.Object && columns.TryGetProperty("label", out JsonElement labels)
                ? TrainingLabels.OfClasses([.. labels.EnumerateArray().Select(static l => l.GetInt32())])
                : null;
            _sampler = Sampler();
        }

        private long WorkspaceBytes => _kernels is CudaKernels cuda ? cuda.WorkspaceBytes : 0;

        public void Train(int? maxSteps = null)
        {
            int maxLength = _run.GetProperty("max_length").GetInt32();
            using TrainingData data = new(new TextDataset([.. _columns.Select(static (_, c) => $"column {c}")], _columns), _encoder, _labels, maxLength);
            string mode = _run.GetProperty("mode").GetString()!;
            JsonElement clip = _run.GetProperty("max_grad_norm");
            TrainingOptions options = new()
            {
                BatchSize = _run.GetProperty("batch_size").GetInt32(),
                Epochs = mode == "article" ? 1 : _run.GetProperty("steps").GetArrayLength() / _sampler.Length,
                Dropout = 0,
                Loss = Loss(),
                Optimizer = new OptimizerOptions(
                    _run.GetProperty("lr").GetDouble(),
                    _run.TryGetProperty("weight_decay", out JsonElement decay) ? decay.GetDouble() : 0,
                    DecoupledDecay: _run.GetProperty("optimizer").GetString() == "adamw",
                    MaxGradientNorm: clip.ValueKind == JsonValueKind.Null ? double.PositiveInfinity : clip.GetDouble(),
                    DecayGroups: mode == "fit" ? DecayGroups.Fit : DecayGroups.Trainer),
                Schedule = mode switch
                {
                    "article" => new ScheduleOptions(WarmupRatio: 0.1, Rounding: WarmupRounding.Down, WarmupOf: WarmupBase.FullBatches, ShortenedByWarmup: true),
                    "fit" => new ScheduleOptions(WarmupSteps: _run.GetProperty("warmup_steps").GetInt32()),
                    _ => new ScheduleOptions(WarmupRatio: _run.GetProperty("warmup").GetDouble()),
                },
            };
            _stopAfter = maxSteps;
            using Trainer trainer = new(_encoder, data, _sampler, maxSteps is null ? options : options with { ReportEverySteps = 1 }, [], this);
            long workspace = WorkspaceBytes;
            TrainingOutcome outcome = trainer.Run(_stop.Token);
            Assert.That(WorkspaceBytes, Is.EqualTo(workspace), "everything is planned before the first step");
            Assert.That(outcome.Completed, Is.EqualTo(maxSteps is null));
        }

        public void AssertSteps(Func<int, double> tolerance)
        {
            JsonElement expected = _run.GetProperty("steps");
            Assert.That(_steps, Has.Count.EqualTo(_stopAfter ?? expected.GetArrayLength()));
            Assert.Multiple(() =>
            {
                for (int i = 0; i < _steps.Count; i++)
                {
                    double loss = expected[i].GetProperty("loss").GetDouble();
                    double norm = expected[i].GetProperty("grad_norm").GetDouble();
                    Assert.That(_steps[i].LearningRate, Is.EqualTo(expected[i].GetProperty("lr").GetDouble()).Within(1e-12), $"learning rate of step {i}");
                    Assert.That(_steps[i].Loss, Is.EqualTo(loss).Within(tolerance(i) * loss), $"loss of step {i}");
                    Assert.That(_steps[i].GradientNorm, Is.EqualTo(norm).Within(10 * tolerance(i) * norm), $"gradient norm of step {i}");
                }
            });
        }

        private SentenceLoss Loss()
        {
            MultipleNegativesRankingLoss ranking = new(new RankingLossOptions(_run.GetProperty("scale").GetSingle()));
            return _run.TryGetProperty("loss", out JsonElement name) ? name.GetString() switch
            {
                "MultipleNegativesRankingLoss" => ranking,
                "SoftmaxLoss" => new SoftmaxLoss(3),
                "MatryoshkaLoss" => new MatryoshkaLoss(
                    ranking,
                    [.. _run.GetProperty("dims").EnumerateArray().Select(static d => d.GetInt32())],
                    [.. _run.GetProperty("weights").EnumerateArray().Select(static w => w.GetDouble())]),
                string other => throw new NotSupportedException($"no loss {other}"),
                null => throw new NotSupportedException("a loss without a name"),
            } : ranking;
        }

        public void AssertFinalWeights()
        {
            using SafetensorsFile expected = SafetensorsFile.Open(Fixtures.Path("training", _name + ".safetensors"));
            Assert.Multiple(() =>
            {
                foreach (Autograd.NamedParameter parameter in _encoder.Parameters.Parameters
                    .Where(static p => !NoGradientInExactArithmetic.Any(n => p.Name.EndsWith(n, StringComparison.Ordinal))))
                {
                    float[] values = new float[parameter.Length];
                    expected.Read(parameter.Name, values);
                    float[] ours = new float[parameter.Length];
                    _encoder.Parameters.Read(parameter, ours);
                    Closeness.AssertClose(parameter.Name, ours, values, tolerance: FinalTolerance);
                }
            });
        }

        /// <summary>STSb dev before or after the run, where the reference recorded it: equal to four decimals.</summary>
        public void AssertStsScores(string moment)
        {
            if (!_run.TryGetProperty(moment, out JsonElement scores) || !scores.TryGetProperty("stsb-dev", out JsonElement expected))
            {
                return;
            }

            string path = Path.Combine(AppContext.BaseDirectory, "stsb", "stsb-en-dev.csv");
            StsEvaluator evaluator = new("stsb-dev", StsDataset.Load(new DatasetSource(path), scale: 5), _encoder);
            using SentenceNetwork network = _encoder.PlanInference(4096, 128);
            EvaluationFigures figures = evaluator.Evaluate(new NetworkEmbedder(network), null);
            Assert.Multiple(() =>
            {
                foreach (JsonProperty figure in expected.EnumerateObject())
                {
                    Assert.That(figures.Values[figure.Name], Is.EqualTo(figure.Value.GetDouble()).Within(5e-5), $"{figure.Name} {moment}");
                }
            });
        }

        /// <summary>Embeddings of the trained model, where the reference recorded them.</summary>
        public void AssertEmbeddings()
        {
            string[] texts = [.. JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", _name + "-texts.json"))).RootElement.EnumerateArray().Select(static t => t.GetString()!)];
            using SafetensorsFile file = SafetensorsFile.Open(Fixtures.Path("training", _name + ".safetensors"));
            float[] expected = new float[file.Entries["embeddings"].Count];
            file.Read("embeddings", expected);
            Closeness.AssertClose("embeddings", _encoder.Encode(texts), expected, tolerance: FinalTolerance);
        }

        public void Started(RunPlan plan)
        {
        }

        public void Tokenized(int truncatedSentences)
        {
        }

        public void StepsFinished(IReadOnlyList<StepRecord> steps)
        {
            _steps.AddRange(steps);
            if (_steps.Count == _stopAfter)
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
            _stop.Dispose();
            _encoder.Dispose();
            _kernels.Dispose();
        }

        /// <summary>
        /// The recorded batches; where the reference used a sampler that we have as well, ours, which has to give the recorded batches.
        /// </summary>
        private IBatchSampler Sampler()
        {
            int[][] batches = [.. _run.GetProperty("batches").EnumerateArray().Select(static b => b.EnumerateArray().Select(static r => r.GetInt32()).ToArray())];
            if (!_run.TryGetProperty("sampler", out JsonElement sampler))
            {
                return new RecordedSampler(batches);
            }

            int batchSize = _run.GetProperty("batch_size").GetInt32();
            int seed = _run.GetProperty("seed").GetInt32();
            IBatchSampler ours = sampler.GetString() == "no_duplicates"
                ? new NoDuplicatesSampler(_columns, batchSize, seed, dropLast: false)
                : new ShuffledSampler(_columns[0].Length, batchSize, seed, dropLast: false);
            int epochs = _run.GetProperty("epochs").GetInt32();
            Assert.That(Enumerable.Range(0, epochs).SelectMany(e => ours.Epoch(e).Take(ours.Length)), Is.EqualTo(batches).AsCollection);
            return ours;
        }
    }

    private sealed class RecordedSampler(int[][] batches) : IBatchSampler
    {
        public int BatchSize => batches.Max(static b => b.Length);

        public int Length => batches.Length;

        public IEnumerable<int[]> Epoch(int epoch) => batches;
    }
}
