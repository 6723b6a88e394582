namespace MnrEngine.Data.Sampling;

/// <summary>
/// Batches in which no text occurs in two rows, as the old <c>NoDuplicatesDataLoader</c> made them (sentence-transformers up to 2.7, and the
/// article): texts are compared without case and outer blanks; a row that conflicts with the batch is skipped until the data have been
/// gone through and shuffled again; all batches are full. Where one epoch stops in the data, the next goes on.
/// </summary>
/// <remarks>
/// The old loader shuffled with Python's global generator; here that is <c>random.seed(seed)</c> just before the loader is made.
/// </remarks>
public sealed class LegacyNoDuplicatesSampler : IBatchSampler
{
    private readonly TextNumbers _texts;
    private readonly long _seed;
    private Position? _afterLastEpoch;

    /// <summary>A sampler over columns of texts.</summary>
    /// <param name="columns">Anchors, positives and any negatives: equally long lists.</param>
    /// <param name="batchSize">Rows in a batch.</param>
    /// <param name="seed">What Python's generator is seeded with.</param>
    /// <exception cref="InputException">The batch size is not positive, or larger than the data.</exception>
    public LegacyNoDuplicatesSampler(IReadOnlyList<IReadOnlyList<string>> columns, int batchSize, long seed)
        : this(new TextNumbers(columns, PythonText.StripAndLower), batchSize, seed)
    {
    }

    /// <summary>A sampler over a data set, which it does not hold on to.</summary>
    /// <inheritdoc cref="LegacyNoDuplicatesSampler(IReadOnlyList{IReadOnlyList{string}}, int, long)"/>
    public LegacyNoDuplicatesSampler(TextDataset data, int batchSize, long seed)
        : this(data.Numbers.ByKey(data.Texts, PythonText.StripAndLower), batchSize, seed)
    {
    }

    private LegacyNoDuplicatesSampler(TextNumbers texts, int batchSize, long seed)
    {
        BatchCounts.Check(texts.Rows, batchSize);
        _texts = texts;
        _seed = seed;
        BatchSize = batchSize;
    }

    /// <inheritdoc/>
    public int BatchSize { get; }

    /// <inheritdoc/>
    public int Length => _texts.Rows / BatchSize;

    /// <summary>What decides the batches besides the rows and their number, for comparison with the run that a checkpoint came from.</summary>
    public override string ToString() => $"no duplicates as of old with seed {_seed}";

    /// <inheritdoc/>
    /// <exception cref="InputException">Enumeration comes to a batch that can't be filled: every row shares a text with those in it.</exception>
    public IEnumerable<int[]> Epoch(int epoch)
    {
        // An epoch begins where the one before it ended, so all before it are gone through unless that place is known.
        Position position = _afterLastEpoch is { } known && known.Epoch <= epoch ? new Position(known) : new Position(_texts, _seed);
        while (position.Epoch < epoch)
        {
            for (int i = 0; i < Length; i++)
            {
                position.NextBatch(BatchSize);
            }

            position.Epoch++;
        }

        for (int i = 0; i < Length; i++)
        {
            yield return position.NextBatch(BatchSize);
        }

        position.Epoch++;
        _afterLastEpoch = position;
    }

    /// <summary>How far the loader has come: its order of rows, its place in it, and its generator.</summary>
    private sealed class Position
    {
        private readonly TextNumbers _texts;
        private readonly PythonRandom _random;
        private readonly int[] _order;
        private readonly int[] _usedInBatch;
        private int _next;
        private int _batch;

        public Position(TextNumbers texts, long seed)
        {
            _texts = texts;
            _random = new PythonRandom(seed);
            _order = [.. Enumerable.Range(0, texts.Rows)];
            _usedInBatch = new int[texts.Distinct];
            _random.Shuffle<int>(_order);
        }

        public Position(Position other)
        {
            _texts = other._texts;
            _random = new PythonRandom(other._random);
            _order = [.. other._order];
            _usedInBatch = new int[_texts.Distinct];
            _next = other._next;
            Epoch = other.Epoch;
        }

        public int Epoch { get; set; }

        public int[] NextBatch(int size)
        {
            _batch++;
            int[] batch = new int[size];
            int count = 0;
            bool addedNoneSinceStart = false;
            while (count < size)
            {
                int row = _order[_next++];
                if (IsFree(row))
                {
                    Use(row);
                    batch[count++] = row;
                    addedNoneSinceStart = false;
                }

                if (_next == _order.Length)
                {
                    // The old loader goes round for ever here.
                    if (addedNoneSinceStart)
                    {
                        throw new InputException(
                            $"a batch of {size} rows without shared texts can't be filled: with {count} in it, every other row shares a text with one of them");
                    }

                    addedNoneSinceStart = true;
                    _next = 0;
                    _random.Shuffle<int>(_order);
                }
            }

            return batch;
        }

        private bool IsFree(int row)
        {
            foreach (int text in _texts.Row(row))
            {
                if (_usedInBatch[text] == _batch)
                {
                    return false;
                }
            }

            return true;
        }

        private void Use(int row)
        {
            foreach (int text in _texts.Row(row))
            {
                _usedInBatch[text] = _batch;
            }
        }
    }
}
