namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Which blocks of an optimizer's moments are known to be zero: in an embedding, those of the rows that no token has used, most of a vocabulary. While their gradient is
/// zero too, Adam has nothing to do there but decay, and need not even read the moments.
/// </summary>
/// <remarks>Adam itself finds and keeps the flags. Writes to the moments from outside are reported to <see cref="Forget"/>.</remarks>
internal sealed class IdleMoments
{
    private readonly List<Entry> _entries = [];

    /// <summary>A flag for each block of <see cref="AdamState.BlockLength"/> elements, to be read and written by whoever updates the block; false when nothing is known.</summary>
    public bool[] Blocks(in AdamState state)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.FirstMoments == state.FirstMoments && entry.SecondMoments == state.SecondMoments)
            {
                return entry.Blocks;
            }
        }

        _entries.RemoveAll(static other => other.FirstMoments.IsReleased() || other.SecondMoments.IsReleased());
        Entry added = new(state.FirstMoments, state.SecondMoments, new bool[state.BlockDecay.Columns]);
        _entries.Add(added);
        return added.Blocks;
    }

    /// <summary>Somebody else has written here: moments that overlap are no longer known.</summary>
    public void Forget(Tensor written)
    {
        for (int i = _entries.Count - 1; i >= 0; i--)
        {
            if (_entries[i].FirstMoments.Overlaps(written) || _entries[i].SecondMoments.Overlaps(written))
            {
                _entries.RemoveAt(i);
            }
        }
    }

    private sealed record Entry(Tensor FirstMoments, Tensor SecondMoments, bool[] Blocks);
}
