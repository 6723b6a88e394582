namespace MnrEngine.Data.Sampling;

/// <summary>
/// Batches in which no text occurs in two rows, in any column: with in-batch negatives, a text that occurs twice would be its own
/// negative. Batch for batch the sampler of today's sentence-transformers (<c>batch_sampler="no_duplicates"</c>, base/sampler.py):
/// texts are compared exactly; a row that conflicts with the batch waits, in order, for the next; a row whose anchor equals its own
/// positive is allowed.
/// </summary>
public sealed class NoDuplicatesSampler : IBatchSampler
{
    // With drop_last, sentence-transformers makes up for the rows lost in short batches by going over the data again, at most twice.
    private const int PassesWithDropLast = 3;

    private readonly ConflictTree _tree;
    private readonly long _seed;
    private readonly bool _dropLast;

    /// <summary>A sampler over columns of texts.</summary>
    /// <param name="columns">Anchors, positives and any negatives: equally long lists.</param>
    /// <param name="batchSize">Rows in a batch.</param>
    /// <param name="seed">The run's seed; epoch e shuffles with seed + e.</param>
    /// <param name="dropLast">Whether short batches are left out; they can occur anywhere in an epoch.</param>
    /// <exception cref="InputException">The batch size is not positive, or larger than the data.</exception>
    public NoDuplicatesSampler(IReadOnlyList<IReadOnlyList<string>> columns, int batchSize, long seed, bool dropLast)
        : this(new TextNumbers(columns), batchSize, seed, dropLast)
    {
    }

    /// <summary>A sampler over a data set, which it does not hold on to.</summary>
    /// <inheritdoc cref="NoDuplicatesSampler(IReadOnlyList{IReadOnlyList{string}}, int, long, bool)"/>
    public NoDuplicatesSampler(TextDataset data, int batchSize, long seed, bool dropLast)
        : this(data.Numbers, batchSize, seed, dropLast)
    {
    }

    private NoDuplicatesSampler(TextNumbers texts, int batchSize, long seed, bool dropLast)
    {
        BatchCounts.Check(texts.Rows, batchSize);
        _tree = new ConflictTree(texts);
        _seed = seed;
        _dropLast = dropLast;
        BatchSize = batchSize;
    }

    /// <inheritdoc/>
    public int BatchSize { get; }

    /// <summary>
    /// The planned number of batches: the rows divided by the batch size, rounded down when short batches are left out, else up. An epoch
    /// has fewer where even repeated passes fill too few batches (none at all, if no batch can be filled), and more where conflicts
    /// leave short batches that are kept (see <see cref="TruncatedSampler"/>).
    /// </summary>
    public int Length => BatchCounts.Of(_tree.NodeOfRow.Length, BatchSize, _dropLast);

    /// <summary>What decides the batches besides the rows and their number, for comparison with the run that a checkpoint came from.</summary>
    public override string ToString() => _dropLast ? $"no duplicates with seed {_seed}, full batches" : $"no duplicates with seed {_seed}";

    /// <inheritdoc/>
    public IEnumerable<int[]> Epoch(int epoch)
    {
        TorchGenerator generator = new(_seed + epoch);
        int given = 0;
        for (int pass = 0; pass < (_dropLast ? PassesWithDropLast : 1); pass++)
        {
            ConflictQueue queue = new(_tree, generator.RandPerm(_tree.NodeOfRow.Length));
            while (!queue.IsEmpty && !(_dropLast && given == Length))
            {
                int[] batch = queue.TakeBatch(BatchSize);
                if (batch.Length == BatchSize || !_dropLast)
                {
                    given++;
                    yield return batch;
                }
            }

            if (given == 0)
            {
                yield break;
            }
        }
    }
}
