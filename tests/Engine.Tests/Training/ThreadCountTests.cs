using MnrEngine.Data;
using MnrEngine.Data.Sampling;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Models;
using MnrEngine.Optimizers;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using MnrEngine.Text;
using MnrEngine.Training;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Training;

/// <summary>
/// The number of threads changes no byte of the weights, with a network that is wide enough for every product to be cut into blocks between the
/// threads, and with widths and lengths that no block divides.
/// </summary>
public sealed class ThreadCountTests
{
    private const int Rows = 48;
    private const int LongestSentence = 90;

    [TestCase(384, 6, 1536)]
    [TestCase(130, 5, 333)]
    public void TrainedWeightsAreTheSameBytes(int hidden, int heads, int intermediate)
    {
        float[] one = Train(1, hidden, heads, intermediate);
        float[] two = Train(2, hidden, heads, intermediate);
        float[] five = Train(5, hidden, heads, intermediate);

        Assert.That(one, Has.All.Matches<float>(float.IsFinite));
        Assert.That(two.AsSpan().SequenceEqual(one), "two threads");
        Assert.That(five.AsSpan().SequenceEqual(one), "five threads");
    }

    private static float[] Train(int threads, int hidden, int heads, int intermediate)
    {
        WordPieceTokenizer tokenizer = WordPieceTokenizer.FromVocabulary(Fixtures.Path("models", "tiny-bert", "vocab.txt"));
        EncoderDescription description = new()
        {
            Transformer = new TransformerConfiguration
            {
                VocabSize = tokenizer.VocabularySize,
                HiddenSize = hidden,
                NumHiddenLayers = 2,
                NumAttentionHeads = heads,
                IntermediateSize = intermediate,
                MaxPositionEmbeddings = LongestSentence,
            },
            MaxSequenceLength = LongestSentence,
            Pooling = PoolingModes.Mean | PoolingModes.Max,
            Modules = [new NormalizeDescription()],
        };
        using CpuKernels kernels = new(threads);
        using SentenceEncoder encoder = SentenceEncoder.Create(description, tokenizer, kernels, seed: 3);
        Random random = new(4);
        string[] words = [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(id => tokenizer.Tokens([id])[0]).Where(static t => t.All(char.IsAsciiLetter))];
        using TrainingData data = new(
            new TextDataset(["anchor", "positive"], [.. Enumerable.Range(0, 2).Select(_ => Enumerable.Range(0, Rows).Select(_ => Sentence()).ToArray())]), encoder);
        TrainingOptions options = new()
        {
            BatchSize = 24,
            MaxSteps = 3,
            GradientAccumulationSteps = 2,
            Optimizer = new OptimizerOptions(1e-3, WeightDecay: 0.01, MaxGradientNorm: 1),
        };
        using (Trainer trainer = new(encoder, data, new ShuffledSampler(Rows, options.BatchSize, seed: 5, dropLast: false), options, [], new Unobserved()))
        {
            trainer.Run(CancellationToken.None);
        }

        float[] weights = new float[encoder.Parameters.Weights.Length];
        kernels.Read(encoder.Parameters.Weights, weights);
        return weights;

        string Sentence() => string.Join(' ', Enumerable.Range(0, random.Next(1, LongestSentence)).Select(_ => words[random.Next(words.Length)]));
    }

    private sealed class Unobserved : ITrainingObserver
    {
        public void Started(RunPlan plan)
        {
        }

        public void Tokenized(int truncatedSentences)
        {
        }

        public void StepsFinished(IReadOnlyList<StepRecord> steps)
        {
        }

        public void Evaluated(EvaluationRecord evaluation)
        {
        }

        public void CheckpointWritten(int step, string folder)
        {
        }
    }
}
