using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using MnrEngine.Data;
using MnrEngine.Data.Sampling;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Cuda;
using MnrEngine.Models;
using MnrEngine.Optimizers;
using MnrEngine.Testing;
using MnrEngine.Text;
using MnrEngine.Training;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Training;

/// <summary>Data that are tokenised while training has begun already: nothing but the time of the first step is different.</summary>
public sealed class LargeDataTests
{
    private const int Rows = 40;
    private const int TokenisedFirst = 8;
    private const int MaxLength = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly string[] Words = ["a", "dog", "man", "runs", "sits", "in", "the", "park", "street", "is", "eating", "two", "people", "red", "blue", "."];

    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("mnrengine-large-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void TheFirstStepIsDoneBeforeTokenisationEnds()
    {
        using ManualResetEventSlim firstStep = new();
        using Run run = new(2) { Tokenizer = WaitsInTheBackground(firstStep) };
        run.OnStep = _ =>
        {
            if (!firstStep.IsSet)
            {
                Assert.That(run.Data.TruncatedSentences, Is.Null, "not all can be tokenised yet");
                firstStep.Set();
            }
        };

        // So many steps that tokenisation, which goes on after the first, ends between two of them.
        run.Stopped = static r => r.Truncated is not null;
        run.Train(Options() with { Epochs = 1_000_000 });
        Assert.That(run.Plan.TruncatedSentences, Is.Null);
        Assert.That(run.Truncated, Is.EqualTo(Truncated(run)).And.GreaterThan(0));
    }

    [Test]
    public void TheWeightsAreThoseOfDataTokenisedFirst([Values(1, 2, 3)] int threads)
    {
        using Run first = new(1, textsFirst: int.MaxValue);
        first.Train(Options());
        Assert.That(first.Plan.TruncatedSentences, Is.EqualTo(Truncated(first)));

        // Never tokenised in the background, tokenised there at some time, and before the first step.
        using ManualResetEventSlim never = new();
        using Run onTheSpot = new(threads) { Tokenizer = WaitsInTheBackground(never) };
        onTheSpot.Train(Options());
        never.Set();
        using Run meanwhile = new(threads);
        meanwhile.Train(Options());
        using Run ready = new(threads);
        ready.Data.Tokenize();
        ready.Train(Options());

        Assert.That(onTheSpot.Weights(), Is.EqualTo(first.Weights()).AsCollection);
        Assert.That(meanwhile.Weights(), Is.EqualTo(first.Weights()).AsCollection);
        Assert.That(ready.Weights(), Is.EqualTo(first.Weights()).AsCollection);
        Assert.That(onTheSpot.Steps.Select(static s => s.Tokens), Is.EqualTo(first.Steps.Select(static s => s.Tokens)));
    }

    [Test]
    public void ABatchLargerThanWasGuessedMakesRoomForItself([Values(1, 2)] int accumulation)
    {
        string[][] columns = FewTokensWhereMostBytesAre();
        TrainingOptions options = Options() with { GradientAccumulationSteps = accumulation };
        using Run first = new(1, textsFirst: int.MaxValue, columns);
        first.Train(options);
        using Run guessed = new(2, textsFirst: 2, columns);
        Assert.That(guessed.Data.LargestBatchTokens(8), Is.LessThan(first.Data.LargestBatchTokens(8)));
        guessed.Train(options);
        Assert.That(guessed.Weights(), Is.EqualTo(first.Weights()).AsCollection);
        Assert.That(guessed.Steps.Max(static s => s.Tokens), Is.GreaterThan(guessed.Data.LargestBatchTokens(8) * accumulation));
    }

    [Test]
    public void ABatchLargerThanWasGuessedMakesRoomForItselfOnTheCudaKernels()
    {
        string[][] columns = FewTokensWhereMostBytesAre();
        TrainingOptions options = Options() with { Epochs = 1 };
        using Run first = new(CudaTarget.Create(new CudaOptions()), textsFirst: int.MaxValue, columns);
        first.Train(options);
        using Run guessed = new(CudaTarget.Create(new CudaOptions()), textsFirst: 2, columns);
        guessed.Train(options);
        Assert.That(guessed.Plan.DeviceBytes, Is.LessThan(first.Plan.DeviceBytes));
        Assert.That(guessed.Weights(), Is.EqualTo(first.Weights()).AsCollection);
    }

    [Test]
    public void TheGuessIsRightWhereMoreBytesAreMoreTokens([Values(1, 3, 8, 40, 100)] int batch)
    {
        string[][] columns = [.. Enumerable.Range(0, 2).Select(c => Enumerable.Range(0, Rows).Select(r => string.Join(' ', Enumerable.Repeat("dog", r / 4)) + " " + r).ToArray())];
        using Run first = new(1, textsFirst: int.MaxValue, columns);
        using Run guessed = new(1, textsFirst: 16, columns);
        int expected = first.Data.LargestBatchTokens(batch);
        Assert.That(guessed.Data.LargestBatchTokens(batch), batch <= 8 ? Is.EqualTo(expected) : Is.GreaterThanOrEqualTo(expected));
    }

    [Test]
    public void ARunIsResumedBeforeItsDataAreTokenised([Values(1, 4, 7)] int stopAfter)
    {
        using Run whole = new(1, textsFirst: int.MaxValue);
        whole.Train(Options());

        using ManualResetEventSlim never = new();
        Checkpoints checkpoints = new(_folder, kept: 1);
        using Run stopped = new(1) { Tokenizer = WaitsInTheBackground(never), Stopped = r => r.Steps.Count == stopAfter };
        Assert.That(stopped.Train(Options(), checkpoints).Checkpoint, Is.EqualTo(checkpoints.Latest).And.Not.Null);
        using Run resumed = new(2) { Tokenizer = WaitsInTheBackground(never) };
        resumed.Train(Options(), checkpoints, resume: true);
        never.Set();
        Assert.That(resumed.Steps[0].Step, Is.EqualTo(stopAfter + 1));
        Assert.That(resumed.Weights(), Is.EqualTo(whole.Weights()).AsCollection);
    }

    [Test]
    public void ACheckpointThatTellsItsDataByTheirTokensIsResumed([Values] bool otherData)
    {
        Checkpoints checkpoints = new(_folder, kept: 1);
        using Run whole = new(1);
        whole.Train(Options());
        using Run stopped = new(1) { Stopped = static r => r.Steps.Count == 3 };
        stopped.Train(Options(), checkpoints);

        // As it was written before texts were hashed.
        string path = Path.Combine(checkpoints.Latest!, "training_state.json");
        JsonObject state = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        JsonObject setup = state["setup"]!.AsObject();
        Assert.That(setup.Remove("hash of the texts") & setup.Remove("hash of the tokenizer") & setup.Remove("max_seq_length"));
        (setup["hash of the tokens"], setup["tokens"]) = TokenHash(stopped);
        File.WriteAllText(path, state.ToJsonString());

        using Run resumed = new(1, columns: otherData ? Sentences(seed: 2) : null);
        if (otherData)
        {
            Assert.That(
                () => resumed.Train(Options(), checkpoints, resume: true),
                Throws.TypeOf<InputException>().With.Message.Contains("was written by a run with").And.Message.Contains("tokens"));
            return;
        }

        resumed.Train(Options() with { CheckpointEverySteps = 8 }, checkpoints, resume: true);
        Assert.That(resumed.Weights(), Is.EqualTo(whole.Weights()).AsCollection);
        Assert.That(File.ReadAllText(Path.Combine(checkpoints.Latest!, "training_state.json")), Does.Contain("hash of the texts").And.Not.Contain("hash of the tokens"));
    }

    [TestCase("text", "hash of the texts")]
    [TestCase("length", "max_seq_length")]
    public void ACheckpointOfOtherTextsOrAnotherLengthIsRefused(string what, string key)
    {
        Checkpoints checkpoints = new(_folder, kept: 1);
        using Run stopped = new(1) { Stopped = static r => r.Steps.Count == 1 };
        stopped.Train(Options(), checkpoints);
        string[][] columns = Sentences(seed: 1);
        columns[1][7] += what == "text" ? "." : "";
        using Run other = new(1, columns: columns, maxLength: what == "length" ? MaxLength + 1 : MaxLength);
        Assert.That(() => other.Train(Options(), checkpoints, resume: true), Throws.TypeOf<InputException>().With.Message.Contains(key));
    }

    [Test]
    public void AnErrorOfTheTokenizerEndsTheRunAndLeavesCheckpointsAlone()
    {
        Checkpoints checkpoints = new(_folder, kept: 1);
        int trainer = Environment.CurrentManagedThreadId;
        using ManualResetEventSlim second = new();
        using Run run = new(1)
        {
            Tokenizer = tokenize => (text, tokenIds) =>
            {
                if (text == 30 && Environment.CurrentManagedThreadId != trainer && !IsParallelLoop())
                {
                    Assert.That(second.Wait(Patience));
                    throw new InputException("a text is wrong");
                }

                return tokenize(text, tokenIds);
            },
            OnStep = step =>
            {
                if (step.Step == 2)
                {
                    second.Set();
                }
            },
        };
        Assert.That(
            () => run.Train(Options() with { Epochs = 1_000_000, CheckpointEverySteps = 1 }, checkpoints), Throws.TypeOf<InputException>().With.Message.EqualTo("a text is wrong"));
        using SentenceEncoder loaded = SentenceEncoder.Load(checkpoints.Latest!, run.Kernels);
    }

    /// <summary>Pairs that no two rows share a text of, as of a data set that is all different.</summary>
    [Test]
    public void ARowTakesLessThan120BytesBesideItsTokens([Values] bool withoutDuplicates)
    {
        const int Count = 100_000;
        using Run run = new(1);
        long tokens = Build(run.Encoder, Count, withoutDuplicates, out object[]? kept);
        long with = SettledMemory();
        ((TrainingData)kept[0]).Dispose();
        kept = null;
        long bytes = with - SettledMemory();
        double beside = (bytes - (sizeof(int) * tokens)) / (double)Count;
        TestContext.Out.WriteLine($"{beside:F1} bytes a row beside {tokens / (double)Count:F1} tokens");
        Assert.That(tokens, Is.GreaterThan(10 * Count), "the tokens are there");
        Assert.That(beside, Is.InRange(8, 120));

        // What is let go is counted, not what is built: building takes long enough for garbage of other tests to go meanwhile.
        [MethodImpl(MethodImplOptions.NoInlining)]
        static long Build(SentenceEncoder encoder, int count, bool withoutDuplicates, out object[] kept)
        {
            string path = Path.GetTempFileName();
            File.WriteAllLines(path, Enumerable.Range(0, count).Select(static i => $"a man is eating in the park {i}\ttwo people sits in the street {i}"));
            TextDataset dataset = TextDataset.Load(new DatasetSource(path) { Format = DataFormat.Tsv, HasHeader = false });
            File.Delete(path);
            object sampler = withoutDuplicates ? new NoDuplicatesSampler(dataset, 32, 1, dropLast: true) : new ShuffledSampler(count, 32, 1, dropLast: true);
            TrainingData data = new(dataset, encoder);
            dataset = null!;
            data.Tokenize();
            long tokens = 0;
            for (int row = 0; row < count; row++)
            {
                tokens += data[0, row].Length + data[1, row].Length;
            }

            kept = [data, sampler];
            return tokens;
        }

        // One call ends when two collections differ by less than a twentieth of all memory, which can be more than what is measured.
        static long SettledMemory()
        {
            long memory = GC.GetTotalMemory(forceFullCollection: true);
            for (int attempt = 0; attempt < 20; attempt++)
            {
                long last = memory;
                memory = GC.GetTotalMemory(forceFullCollection: true);
                if (Math.Abs(memory - last) < 10_000)
                {
                    break;
                }
            }

            return memory;
        }
    }

    /// <summary>A tokenizer that comes to the last texts, where nobody waits for them, only when it is allowed to.</summary>
    private static Func<TextTokenizer, TextTokenizer> WaitsInTheBackground(ManualResetEventSlim allowed)
    {
        int trainer = Environment.CurrentManagedThreadId;
        return tokenize => (text, tokenIds) =>
        {
            if (text > Rows && Environment.CurrentManagedThreadId != trainer && !IsParallelLoop())
            {
                Assert.That(allowed.Wait(Patience), "what is waited for was done");
            }

            return tokenize(text, tokenIds);
        };
    }

    // The rows with the most bytes are counted on threads of the pool; those that fill the table are their own.
    private static bool IsParallelLoop() => Thread.CurrentThread.IsThreadPoolThread;

    private static int Truncated(Run run) => run.Columns.Sum(c => run.Encoder.Tokenizer.EncodeBatch(c, MaxLength).TruncatedCount);

    private static (string Hash, string Tokens) TokenHash(Run run)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int tokens = 0;
        foreach (TokenizedTexts column in run.Columns.Select(c => run.Encoder.Tokenizer.EncodeBatch(c, MaxLength)))
        {
            hash.AppendData(MemoryMarshal.AsBytes(column.Offsets.AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(column.TokenIds.AsSpan()));
            tokens += column.TokenIds.Length;
        }

        return (Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8)), $"{tokens}");
    }

    private static string[][] Sentences(int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, 2).Select(_ => Enumerable.Range(0, Rows).Select(_ => string.Join(' ', Enumerable.Range(0, random.Next(1, 16)).Select(_ => Words[random.Next(Words.Length)]))).ToArray())];
    }

    /// <summary>A word of more than a hundred letters is one token.</summary>
    private static string[][] FewTokensWhereMostBytesAre() =>
        [.. Enumerable.Range(0, 2).Select(c => Enumerable.Range(0, Rows).Select(r => r % 5 == 0 ? new string('x', 101 + r + c) : $". . . . . . . . a . {r} {c}").ToArray())];

    private static TrainingOptions Options() => new()
    {
        BatchSize = 8,
        Epochs = 2,
        Optimizer = new OptimizerOptions(1e-3, WeightDecay: 0.01, MaxGradientNorm: 1),
        ReportEverySteps = 1,
        EvaluateAtStart = false,
        EvaluateAtEnd = false,
    };

    /// <summary>A run of the tiny model.</summary>
    private sealed class Run : ITrainingObserver, IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly int _textsFirst;
        private readonly int _maxLength;
        private TrainingData? _data;

        public Run(int threads, int textsFirst = TokenisedFirst, string[][]? columns = null, int maxLength = MaxLength)
            : this(new CpuKernels(threads), textsFirst, columns, maxLength)
        {
        }

        public Run(IKernels kernels, int textsFirst, string[][]? columns, int maxLength = MaxLength)
        {
            Kernels = kernels;
            Encoder = SentenceEncoder.Load(Fixtures.Path("models", "tiny-bert"), Kernels, training: true);
            Columns = columns ?? Sentences(seed: 1);
            _textsFirst = textsFirst;
            _maxLength = maxLength;
        }

        public IKernels Kernels { get; }

        public SentenceEncoder Encoder { get; }

        public string[][] Columns { get; }

        public Func<TextTokenizer, TextTokenizer> Tokenizer { get; init; } = static tokenize => tokenize;

        public Action<StepRecord> OnStep { get; set; } = static _ => { };

        public Predicate<Run> Stopped { get; set; } = static _ => false;

        public RunPlan Plan { get; private set; } = null!;

        public List<StepRecord> Steps { get; } = [];

        public int? Truncated { get; private set; }

        public TrainingData Data
        {
            get
            {
                TextDataset dataset = new(["anchor", "positive"], Columns);
                return _data ??= new TrainingData(dataset, Tokenizer(TrainingData.Tokenizing(dataset.Texts, Encoder.Tokenizer, _maxLength, lowerCase: false)), null, _maxLength, _textsFirst);
            }
        }

        public TrainingOutcome Train(TrainingOptions options, Checkpoints? checkpoints = null, bool resume = false)
        {
            using Trainer trainer = new(Encoder, Data, new ShuffledSampler(Data.Rows, options.BatchSize, seed: 7, dropLast: false), options, [], this, checkpoints);
            if (resume)
            {
                trainer.Resume(checkpoints!.Latest!);
            }

            return trainer.Run(_stop.Token);
        }

        public float[] Weights()
        {
            float[] values = new float[Encoder.Parameters.Weights.Length];
            Kernels.Read(Encoder.Parameters.Weights, values);
            return values;
        }

        public void Started(RunPlan plan) => Plan = plan;

        public void Tokenized(int truncatedSentences)
        {
            Assert.That(Truncated, Is.Null, "told once");
            Truncated = truncatedSentences;
        }

        public void StepsFinished(IReadOnlyList<StepRecord> steps)
        {
            Steps.AddRange(steps);
            foreach (StepRecord step in steps)
            {
                OnStep(step);
            }

            if (Stopped(this))
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
            _data?.Dispose();
            Encoder.Dispose();
            Kernels.Dispose();
            _stop.Dispose();
        }
    }
}
