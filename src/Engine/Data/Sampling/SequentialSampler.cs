namespace MnrEngine.Data.Sampling;

/// <summary>The rows in the order of the files, the same every epoch: what the article's unshuffled <c>DataLoader</c> does.</summary>
public sealed class SequentialSampler : IBatchSampler
{
    private readonly int _rows;
    private readonly bool _dropLast;

    /// <summary>A sampler over rows 0 .. rows-1.</summary>
    /// <param name="rows">How many rows the data set has.</param>
    /// <param name="batchSize">Rows in a batch.</param>
    /// <param name="dropLast">Whether a short batch at the end is left out.</param>
    /// <exception cref="InputException">The batch size is not positive, or larger than the data.</exception>
    public SequentialSampler(int rows, int batchSize, bool dropLast)
    {
        BatchCounts.Check(rows, batchSize);
        _rows = rows;
        _dropLast = dropLast;
        BatchSize = batchSize;
    }

    /// <inheritdoc/>
    public int BatchSize { get; }

    /// <inheritdoc/>
    public int Length => BatchCounts.Of(_rows, BatchSize, _dropLast);

    /// <summary>What decides the batches besides the rows and their number, for comparison with the run that a checkpoint came from.</summary>
    public override string ToString() => _dropLast ? "in order, full batches" : "in order";

    /// <inheritdoc/>
    public IEnumerable<int[]> Epoch(int epoch)
    {
        for (int i = 0; i < Length; i++)
        {
            int start = i * BatchSize;
            int[] batch = new int[Math.Min(BatchSize, _rows - start)];
            for (int j = 0; j < batch.Length; j++)
            {
                batch[j] = start + j;
            }

            yield return batch;
        }
    }
}
