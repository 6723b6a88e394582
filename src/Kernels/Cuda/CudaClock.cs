using MnrEngine.Kernels.Cuda.Interop;
using MnrEngine.Kernels.Tracing;
using static MnrEngine.Kernels.Cuda.CudaStatus;

namespace MnrEngine.Kernels.Cuda;

/// <summary>The GPU's own clock: a mark is an event in the stream. Events are kept and used again.</summary>
internal sealed unsafe class CudaClock : OperationClock
{
    private readonly CudaContext _context;
    private readonly List<nint> _events = [];
    private nint _last;
    private double _lastSeconds;

    /// <summary>Begins to count.</summary>
    public CudaClock(CudaContext context)
    {
        _context = context;
        _last = context.CreateTimedEvent();
        context.Record(_last);
    }

    /// <inheritdoc/>
    public override int Mark()
    {
        if (Count == _events.Count)
        {
            _events.Add(_context.CreateTimedEvent());
        }

        _context.Record(_events[Count]);
        return Count++;
    }

    /// <inheritdoc/>
    public override void Read(Span<double> seconds)
    {
        if (Count == 0)
        {
            return;
        }

        _context.Wait(_events[Count - 1]);
        nint previous = _last;
        for (int i = 0; i < Count; i++)
        {
            // From one to the next, since a float of milliseconds is too coarse for a whole run.
            float milliseconds;
            Check(CudaDriver.cuEventElapsedTime(&milliseconds, previous, _events[i]), $"cuEventElapsedTime of mark {i} of {Count}");
            _lastSeconds += milliseconds / 1e3;
            seconds[i] = _lastSeconds;
            previous = _events[i];
        }

        (_last, _events[Count - 1]) = (_events[Count - 1], _last);
        Count = 0;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (nint gpuEvent in _events)
        {
            _context.DestroyEvent(gpuEvent);
        }

        _context.DestroyEvent(_last);
        _events.Clear();
        base.Dispose();
    }
}
