namespace MnrEngine.Data;

/// <summary>
/// A list that grows by segments. One that grows by doubling is copied each time, and leaves behind as much garbage as it is long, which for millions of
/// entries stays for long. The segments lie in the heap of pinned objects, whose size doesn't count when the collector decides how much garbage may pile up
/// elsewhere.
/// </summary>
internal sealed class SegmentedList<T>
    where T : unmanaged
{
    private const int SegmentBits = 14;
    private const int SegmentLength = 1 << SegmentBits;

    private readonly List<T[]> _segments = [];

    /// <summary>The number of entries.</summary>
    public int Count { get; private set; }

    /// <summary>An entry.</summary>
    public T this[int index] => _segments[index >> SegmentBits][index & (SegmentLength - 1)];

    /// <summary>Adds an entry.</summary>
    public void Add(T entry)
    {
        int place = Count & (SegmentLength - 1);
        if (place == 0)
        {
            _segments.Add(GC.AllocateUninitializedArray<T>(SegmentLength, pinned: true));
        }

        _segments[^1][place] = entry;
        Count = checked(Count + 1);
    }

    /// <summary>The entries.</summary>
    public T[] ToArray()
    {
        T[] entries = new T[Count];
        for (int first = 0; first < Count; first += SegmentLength)
        {
            int length = Math.Min(SegmentLength, Count - first);
            _segments[first >> SegmentBits].AsSpan(0, length).CopyTo(entries.AsSpan(first));
        }

        return entries;
    }

    /// <summary>Forgets all entries.</summary>
    public void Clear()
    {
        _segments.Clear();
        Count = 0;
    }
}
