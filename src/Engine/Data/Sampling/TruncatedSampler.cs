namespace MnrEngine.Data.Sampling;

/// <summary>
/// Ends every epoch of another sampler after its planned number of batches. Today's Trainer trains on ceil(rows / batch size) batches
/// of an epoch and no more; where the no-duplicates sampler makes surplus batches of deferred rows, those are lost to that epoch.
/// </summary>
public sealed class TruncatedSampler : IBatchSampler
{
    private readonly IBatchSampler _inner;

    /// <summary>A sampler that gives the first <see cref="IBatchSampler.Length"/> batches of every epoch of <paramref name="inner"/>.</summary>
    public TruncatedSampler(IBatchSampler inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        _inner = inner;
    }

    /// <inheritdoc/>
    public int BatchSize => _inner.BatchSize;

    /// <inheritdoc/>
    public int Length => _inner.Length;

    /// <summary>What decides the batches besides the rows and their number, for comparison with the run that a checkpoint came from.</summary>
    public override string ToString() => _inner.ToString()!;

    /// <inheritdoc/>
    public IEnumerable<int[]> Epoch(int epoch) => _inner.Epoch(epoch).Take(Length);
}
