using BenchmarkDotNet.Attributes;
using MnrEngine.Kernels.Cpu;

namespace MnrEngine.Kernels.Bench;

/// <summary>
/// The operations that are not matrix products with weights, one by one, at the shapes of a MiniLM step: 64 sentences of NLI's lengths, about 1,280 tokens of
/// width 384 in 12 heads, intermediate 1,536, dropout 0.1.
/// </summary>
public class OperationBenchmarks
{
    private const int Hidden = 384;
    private const int Heads = 12;
    private const int Queries = 32;
    private const int Vocabulary = 30522;

    private CpuKernels _kernels = null!;
    private DeviceArena _arena = null!;
    private DeviceBatch _batch;
    private EmbeddingParameters _embedding;
    private AdamState _adam;
    private Dropout _dropout;
    private Tensor _queryKeyValue, _queryKeyValueGradient, _logSumExp, _context, _gradient, _hidden, _normalized, _deviation;
    private Tensor _pooled, _pooledGradient, _length, _loss, _rates, _norm, _clipFactor;

    /// <summary>Threads to run with.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    /// <summary>Makes the operands.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _kernels = new CpuKernels(Threads);
        _arena = _kernels.CreateArena("benchmark", 1L << 30);
        Random random = new(1);
        PackedBatch sentences = new();
        for (int i = 0; i < 2 * Queries; i++)
        {
            // Premises of about 25 tokens, hypotheses of about 14.
            int length = i < Queries ? random.Next(12, 40) : random.Next(8, 21);
            sentences.Add([.. Enumerable.Range(0, length).Select(_ => random.Next(Vocabulary))]);
        }

        _kernels.Plan(new StepLimits(sentences.Tokens, sentences.Sentences, sentences.LongestSentence, Hidden, 4 * Hidden, Heads, Hidden, Backward: true));
        _batch = _kernels.Upload(sentences);
        int tokens = sentences.Tokens;
        Tensor Numbers(int rows, int columns)
        {
            Tensor tensor = _arena.Allocate(ElementType.Float32, rows, columns);
            _kernels.Write(tensor, [.. Enumerable.Range(0, rows * columns).Select(_ => random.NextSingle() - 0.5f)]);
            return tensor;
        }

        Parameter Parameter(int rows, int columns) => new(Numbers(rows, columns), Numbers(rows, columns));
        Tensor state = _arena.Allocate(ElementType.Int32, 1, 4);
        _kernels.Write(state, [1, 2, 3, 0]);
        _dropout = new Dropout(0.1f, 1, state);
        _embedding = new EmbeddingParameters(
            Parameter(Vocabulary, Hidden), Parameter(512, Hidden), Parameter(2, Hidden), new NormParameters(Parameter(1, Hidden), Parameter(1, Hidden), 1e-12f), PaddingId: 0);
        const int Flat = 10_000_000 / AdamState.BlockLength * AdamState.BlockLength;
        _adam = new AdamState(Numbers(1, Flat), Numbers(1, Flat), Numbers(1, Flat), _arena.Allocate(ElementType.Float32, 1, Flat), Numbers(1, Flat / AdamState.BlockLength));
        _queryKeyValue = Numbers(tokens, 3 * Hidden);
        _queryKeyValueGradient = Numbers(tokens, 3 * Hidden);
        _logSumExp = Numbers(tokens, Heads);
        _context = Numbers(tokens, Hidden);
        _gradient = Numbers(tokens, Hidden);
        _hidden = Numbers(tokens, Hidden);
        _normalized = Numbers(tokens, Hidden);
        _deviation = Numbers(tokens, 1);
        _pooled = Numbers(2 * Queries, Hidden);
        _pooledGradient = Numbers(2 * Queries, Hidden);
        _length = Numbers(2 * Queries, 1);
        _loss = Numbers(1, 1);
        _norm = Numbers(1, 1);
        _clipFactor = Numbers(1, 1);
        _rates = _arena.Allocate(ElementType.Float32, 1, 4);
        _kernels.Write(_rates, [1e-5f, 1e-5f, 1f, 0f]);
    }

    /// <summary>Gives the memory back.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _arena.Dispose();
        _kernels.Dispose();
    }

    /// <summary>Embedding, LayerNorm, dropout.</summary>
    [Benchmark]
    public void EmbedNorm() => _kernels.EmbedNorm(_batch, _embedding, _dropout, _normalized, _deviation, _hidden);

    /// <summary>Its gradients, the word table's included.</summary>
    [Benchmark]
    public void EmbedNormBackward() => _kernels.EmbedNormBackward(_batch, _embedding, _dropout, _normalized, _deviation, _gradient, accumulate: false);

    /// <summary>Self-attention with dropout.</summary>
    [Benchmark]
    public void Attention() => _kernels.Attention(_batch, _queryKeyValue, Heads, Tensor.None, _dropout, _logSumExp, _context);

    /// <summary>Its gradients.</summary>
    [Benchmark]
    public void AttentionBackward() => _kernels.AttentionBackward(
        _batch, _queryKeyValue, Heads, Tensor.None, _dropout, _logSumExp, _context, _gradient, _queryKeyValueGradient, Tensor.None);

    /// <summary>Mean pooling.</summary>
    [Benchmark]
    public void Pool() => _kernels.Pool(_batch, PoolingModes.Mean, _hidden, _pooled);

    /// <summary>Its gradient.</summary>
    [Benchmark]
    public void PoolBackward() => _kernels.PoolBackward(_batch, PoolingModes.Mean, _hidden, _pooledGradient, _gradient);

    /// <summary>The multiple-negatives-ranking loss and its gradient.</summary>
    [Benchmark]
    public void RankingLoss() => _kernels.RankingLoss(_pooled, Queries, new RankingLossOptions(), 1, _loss, _pooledGradient, accumulate: false);

    /// <summary>Normalising embeddings.</summary>
    [Benchmark]
    public void Normalize() => _kernels.Normalize(_pooled, _length, _pooledGradient);

    /// <summary>The norm of 10 million gradients.</summary>
    [Benchmark]
    public void GlobalNorm() => _kernels.GlobalNorm(_adam.Gradients, 1, _norm, _clipFactor);

    /// <summary>AdamW on 10 million weights.</summary>
    [Benchmark]
    public void AdamW() => _kernels.Adam(_adam, new AdamOptions(0.9, 0.999, 1e-8, DecoupledDecay: true), _rates, _clipFactor);
}
