using System.Diagnostics;

namespace MnrEngine.Kernels.Tracing;

/// <summary>
/// Tells when a device was done with the operations before a mark. Setting one does not wait; a device that runs behind its calls sets an event.
/// </summary>
public abstract class OperationClock : IDisposable
{
    /// <summary>The marks set since <see cref="Read"/> was called last.</summary>
    public int Count { get; protected set; }

    /// <summary>Sets a mark behind the operations called so far.</summary>
    /// <returns>Its number, from 0 since <see cref="Read"/> was called last.</returns>
    public abstract int Mark();

    /// <summary>Waits until the last mark is passed, and forgets all.</summary>
    /// <param name="seconds">The time of each mark, in seconds since the clock was made; <see cref="Count"/> elements.</param>
    public abstract void Read(Span<double> seconds);

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>The clock of implementations whose operations are done when their call returns.</summary>
public sealed class HostClock : OperationClock
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private long[] _marks = new long[1024];

    /// <inheritdoc/>
    public override int Mark()
    {
        if (Count == _marks.Length)
        {
            Array.Resize(ref _marks, 2 * Count);
        }

        _marks[Count] = Stopwatch.GetTimestamp();
        return Count++;
    }

    /// <inheritdoc/>
    public override void Read(Span<double> seconds)
    {
        for (int i = 0; i < Count; i++)
        {
            seconds[i] = Stopwatch.GetElapsedTime(_start, _marks[i]).TotalSeconds;
        }

        Count = 0;
    }
}
