namespace MnrEngine.Kernels.Cuda.Memory;

/// <summary>
/// Two places for batches, taken in turn, each in pinned host memory and on the device: a batch is written to the host's, with the lists that its backward pass needs, and goes over
/// in one copy. Before a place on the host is written again its last copy has to be done, so the host is at most two batches ahead.
/// </summary>
internal sealed unsafe class BatchSlots : IDisposable
{
    private readonly CudaContext _context;
    private readonly Action<CudaArena> _released;
    private readonly RunSorter _sorter = new();
    private readonly Slot[] _slots;
    private int _last = 1;

    /// <param name="context">The GPU.</param>
    /// <param name="released">Told when a place's addresses are no longer right.</param>
    public BatchSlots(CudaContext context, Action<CudaArena> released)
    {
        _context = context;
        _released = released;
        _slots = [new Slot(context.CreateEvent()), new Slot(context.CreateEvent())];
    }

    /// <summary>Makes room for batches of this size.</summary>
    public void Reserve(int tokenRows, int sentences)
    {
        foreach (Slot slot in _slots)
        {
            Grow(slot, new BatchLayout(tokenRows, sentences).Bytes);
        }
    }

    /// <summary>Queues the copy of a batch to the place that was not used last.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="tokenRows">Its tokens, rounded up.</param>
    /// <param name="longestSentence">Its longest sentence, perhaps rounded up.</param>
    /// <param name="backward">Whether a backward pass may follow.</param>
    public DeviceBatch Upload(PackedBatch batch, int tokenRows, int longestSentence, bool backward)
    {
        int number = 1 - _last;
        Slot slot = _slots[number];
        BatchLayout layout = new(tokenRows, batch.Sentences);
        _context.Wait(slot.Copied);
        Grow(slot, layout.Bytes);
        _last = number;
        slot.LargestTokenId = Largest(batch.TokenIds);
        slot.LargestPosition = Largest(batch.Positions);
        byte* host = slot.Host;
        batch.TokenIds.CopyTo(new Span<int>(host + layout.TokenIds, batch.Tokens));
        batch.Positions.CopyTo(new Span<int>(host + layout.Positions, batch.Tokens));
        batch.Offsets.CopyTo(new Span<int>(host + layout.Offsets, batch.Sentences + 1));
        WriteSquares(batch.Offsets, (long*)(host + layout.SquaredOffsets));
        bool isSorted = backward && slot.LargestTokenId >= 0;
        if (isSorted)
        {
            _sorter.Sort(batch.TokenIds, slot.LargestTokenId, host, layout.Words);
            _sorter.Sort(batch.Positions, slot.LargestPosition, host, layout.PositionRuns);
        }

        _context.CopyFromPinned(slot.Arena!.Address, host, isSorted ? layout.Bytes : layout.Words.Order);
        _context.Record(slot.Copied);
        return new DeviceBatch(
            new Tensor(slot.Arena, layout.TokenIds, ElementType.Int32, 1, batch.Tokens),
            new Tensor(slot.Arena, layout.Positions, ElementType.Int32, 1, batch.Tokens),
            new Tensor(slot.Arena, layout.Offsets, ElementType.Int32, 1, batch.Sentences + 1),
            batch.Tokens, tokenRows, batch.Sentences, longestSentence, number);
    }

    /// <summary>The largest token id and position of the batch in a slot.</summary>
    public (int TokenId, int Position) Largest(int slot) => (_slots[slot].LargestTokenId, _slots[slot].LargestPosition);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Slot slot in _slots)
        {
            slot.Arena?.Dispose();
            if (slot.Host is not null)
            {
                _context.FreePinned(slot.Host);
            }

            _context.DestroyEvent(slot.Copied);
        }
    }

    private static int Largest(ReadOnlySpan<int> values)
    {
        // As unsigned, so that a negative one counts as beyond every table.
        uint largest = 0;
        foreach (int value in values)
        {
            largest = Math.Max(largest, (uint)value);
        }

        return unchecked((int)largest);
    }

    private static void WriteSquares(ReadOnlySpan<int> offsets, long* squares)
    {
        long sum = 0;
        for (int sentence = 0; sentence < offsets.Length - 1; sentence++)
        {
            squares[sentence] = sum;
            long length = offsets[sentence + 1] - offsets[sentence];
            sum += length * length;
        }
    }

    private void Grow(Slot slot, long bytes)
    {
        if (slot.Arena is not null && slot.Arena.Bytes >= bytes)
        {
            return;
        }

        slot.Arena?.Dispose();
        slot.Arena = null;
        if (slot.Host is not null)
        {
            _context.FreePinned(slot.Host);
            slot.Host = null;
        }

        slot.Host = (byte*)_context.AllocatePinned("batches", bytes);
        slot.Arena = new CudaArena(_context, "batches", bytes, _released);
    }

    private sealed class Slot(nint copied)
    {
        public nint Copied { get; } = copied;

        public CudaArena? Arena { get; set; }

        public byte* Host { get; set; }

        public int LargestTokenId { get; set; }

        public int LargestPosition { get; set; }
    }
}
