namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Weights in the layout of the matrix product's right operand, kept from their second use after <see cref="IKernels.PublishWeights"/> to the next time: encoding
/// packs every weight twice instead of once a batch, accumulated and evaluated steps twice instead of once a pass.
/// </summary>
/// <remarks>
/// Other steps use a weight once, and what is packed for one product alone goes to memory that every product uses and that stays in the caches: to keep all weights
/// made steps of 640 tokens 2 to 9 % longer where the two took turns within a run. Only weights inside a region that was published are kept, since of others nobody
/// says when they change. What is kept takes as much memory as the weights themselves; only the forward product's layout is, because the backward one's is used once a step.
/// </remarks>
internal sealed class PackedWeights<TVector>(CpuThreads threads) : IDisposable
    where TVector : struct, IFloatVector<TVector>
{
    private readonly Dictionary<Tensor, Entry> _entries = [];
    private readonly HashSet<Tensor> _regions = [];

    /// <summary>Weights in this region have changed.</summary>
    public void Publish(Tensor region)
    {
        // Arenas that have been released take their weights with them.
        _regions.RemoveWhere(static known => known.IsReleased());
        foreach ((Tensor weight, Entry entry) in _entries)
        {
            if (weight.IsReleased())
            {
                entry.Matrix.Dispose();
                _entries.Remove(weight);
            }
            else if (weight.Overlaps(region))
            {
                entry.IsUsed = false;
                entry.IsCurrent = false;
            }
        }

        _regions.Add(region);
    }

    /// <summary>The transpose of a weight, packed; null when the weight lies in no region that was published, or is used for the first time since.</summary>
    public PackedMatrix<TVector>? TransposeOf(Tensor weight)
    {
        if (!_entries.TryGetValue(weight, out Entry? entry))
        {
            if (!IsPublished(weight))
            {
                return null;
            }

            entry = new Entry();
            _entries.Add(weight, entry);
        }

        if (!entry.IsUsed)
        {
            entry.IsUsed = true;
            return null;
        }

        if (!entry.IsCurrent)
        {
            entry.Matrix.Pack(weight.Matrix().Transposed, threads);
            entry.IsCurrent = true;
        }

        return entry.Matrix;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Entry entry in _entries.Values)
        {
            entry.Matrix.Dispose();
        }
    }

    private bool IsPublished(Tensor weight)
    {
        foreach (Tensor region in _regions)
        {
            if (weight.IsInside(region))
            {
                return true;
            }
        }

        return false;
    }

    private sealed class Entry
    {
        public PackedMatrix<TVector> Matrix { get; } = new();

        /// <summary>Whether it has been used since it was published.</summary>
        public bool IsUsed { get; set; }

        /// <summary>Whether the matrix is the weight as it was published.</summary>
        public bool IsCurrent { get; set; }
    }
}
