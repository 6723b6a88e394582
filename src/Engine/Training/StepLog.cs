using MnrEngine.Kernels;

namespace MnrEngine.Training;

/// <summary>
/// Losses and gradient norms of the last steps, kept on the device so that no step has to wait for its own; they are read many at a time.
/// </summary>
internal sealed class StepLog : IDisposable
{
    private const int Columns = 2;

    private readonly IKernels _kernels;
    private readonly DeviceArena _memory;
    private readonly Tensor _values;
    private readonly float[] _host;

    public StepLog(IKernels kernels, int capacity)
    {
        _kernels = kernels;
        _memory = kernels.CreateArena("step log", DeviceArena.BytesOf(ElementType.Float32, capacity, Columns));
        _values = _memory.Allocate(ElementType.Float32, capacity, Columns);
        _host = new float[capacity * Columns];
    }

    /// <summary>How many steps wait to be read.</summary>
    public int Count { get; private set; }

    /// <summary>Whether no further step fits.</summary>
    public bool IsFull => Count == _values.Rows;

    /// <summary>Notes a step's loss and gradient norm, two device scalars.</summary>
    public void Add(Tensor loss, Tensor gradientNorm)
    {
        _kernels.Copy(loss, _values.View(Count * Columns, 1, 1));
        _kernels.Copy(gradientNorm, _values.View(Count * Columns + 1, 1, 1));
        Count++;
    }

    /// <summary>Waits for the steps and hands out their figures in order.</summary>
    /// <returns>Loss and gradient norm of each step noted since the last call, one after the other; valid until the next call.</returns>
    public ReadOnlySpan<float> Drain()
    {
        Span<float> values = _host.AsSpan(0, Count * Columns);
        if (Count > 0)
        {
            _kernels.Read(_values.FirstRows(Count), values);
            Count = 0;
        }

        return values;
    }

    public void Dispose() => _memory.Dispose();
}
