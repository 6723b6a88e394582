namespace MnrEngine.Data.Sampling;

/// <summary>
/// A fresh random order every epoch, cut into consecutive batches: what sentence-transformers' Trainer does with the batch sampler
/// <c>batch_sampler</c> (accelerate's SeedableRandomSampler, <c>torch.randperm</c> seeded with seed + epoch).
/// </summary>
public sealed class ShuffledSampler : IBatchSampler
{
    private readonly int _rows;
    private readonly long _seed;
    private readonly bool _dropLast;

    /// <summary>A sampler over rows 0 .. rows-1.</summary>
    /// <param name="rows">How many rows the data set has.</param>
    /// <param name="batchSize">Rows in a batch.</param>
    /// <param name="seed">The run's seed; epoch e shuffles with seed + e.</param>
    /// <param name="dropLast">Whether a short batch at the end is left out.</param>
    /// <exception cref="InputException">The batch size is not positive, or larger than the data.</exception>
    public ShuffledSampler(int rows, int batchSize, long seed, bool dropLast)
    {
        BatchCounts.Check(rows, batchSize);
        _rows = rows;
        _seed = seed;
        _dropLast = dropLast;
        BatchSize = batchSize;
    }

    /// <inheritdoc/>
    public int BatchSize { get; }

    /// <inheritdoc/>
    public int Length => BatchCounts.Of(_rows, BatchSize, _dropLast);

    /// <summary>What decides the batches besides the rows and their number, for comparison with the run that a checkpoint came from.</summary>
    public override string ToString() => _dropLast ? $"shuffled with seed {_seed}, full batches" : $"shuffled with seed {_seed}";

    /// <inheritdoc/>
    public IEnumerable<int[]> Epoch(int epoch) =>
        BatchCounts.Chunks(new TorchGenerator(_seed + epoch).RandPerm(_rows), BatchSize, _dropLast);
}
