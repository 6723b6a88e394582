namespace MnrEngine.Kernels.Cuda.Memory;

/// <summary>
/// Pinned host memory through which values go to the device: they are copied here at once, so that their owner may go on, and from here by the GPU when it comes to it. The ring has a few
/// segments, each with an event behind the copies from it; a writer that comes round to a segment waits for that event, which in a training step has long passed.
/// </summary>
internal sealed unsafe class PinnedRing : IDisposable
{
    private const int Segments = 4;
    private const int SegmentBytes = 1 << 20;
    private const int Alignment = 16;

    private readonly CudaContext _context;
    private readonly byte* _memory;
    private readonly nint[] _events = new nint[Segments];
    private int _segment;
    private int _used;

    public PinnedRing(CudaContext context)
    {
        _context = context;
        _memory = (byte*)context.AllocatePinned("staging", (long)Segments * SegmentBytes);
        for (int i = 0; i < Segments; i++)
        {
            _events[i] = context.CreateEvent();
        }
    }

    /// <summary>Queues a copy of host values to the device.</summary>
    public void Write(nint destination, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            int room = SegmentBytes - _used;
            if (room < Math.Min(source.Length, SegmentBytes / 4))
            {
                NextSegment();
                room = SegmentBytes;
            }

            int length = Math.Min(room, source.Length);
            byte* place = _memory + ((nint)_segment * SegmentBytes) + _used;
            source[..length].CopyTo(new Span<byte>(place, length));
            _context.CopyFromPinned(destination, place, length);
            _used = (_used + length + Alignment - 1) / Alignment * Alignment;
            destination += length;
            source = source[length..];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (nint gpuEvent in _events)
        {
            _context.DestroyEvent(gpuEvent);
        }

        _context.FreePinned(_memory);
    }

    private void NextSegment()
    {
        _context.Record(_events[_segment]);
        _segment = (_segment + 1) % Segments;
        _used = 0;

        // An event that was never recorded counts as passed.
        _context.Wait(_events[_segment]);
    }
}
