using System.Runtime.InteropServices;

namespace MnrEngine.Kernels.Tracing;

/// <summary>An operation as it ran.</summary>
/// <param name="Operation">Its name in <see cref="IKernels"/>.</param>
/// <param name="Layer">The part of the network it served, or null.</param>
/// <param name="Phase">The phase of the step.</param>
/// <param name="Step">The training step's number, or null for a batch that was only encoded.</param>
/// <param name="Batch">The number of the step or batch in the order in which they were run, from 0.</param>
/// <param name="Begin">When it began, in seconds of the <see cref="OperationClock"/>.</param>
/// <param name="End">When it was done.</param>
/// <param name="Cost">What it had to do.</param>
public readonly record struct TimedOperation(
    string Operation, LayerName? Layer, StepPhase Phase, int? Step, int Batch, double Begin, double End, OperationCost Cost)
{
    /// <summary>How long it took.</summary>
    public double Seconds => End - Begin;
}

/// <summary>Takes the time of every operation inside steps, and hands the times out some steps at a time, so that the device rarely has to be waited for.</summary>
public sealed class OperationTimes : IOperationListener, IDisposable
{
    // Some dozens of steps of a large network.
    private const int MarksUnread = 1 << 14;

    private readonly OperationClock _clock;
    private readonly Func<int?, bool> _isWanted;
    private readonly Action<ReadOnlySpan<TimedOperation>> _receive;
    private readonly List<TimedOperation> _operations = [];
    private double[] _seconds = [];
    private bool _isOpen;
    private int? _step;
    private int _batch = -1;
    private StepPhase _phase;
    private LayerName? _layer;

    /// <summary>Begins to take times.</summary>
    /// <param name="clock">The device's clock; it is disposed of with this.</param>
    /// <param name="receive">Is given the operations, in order, whole steps at a time.</param>
    /// <param name="isWanted">Whether a step is timed, by its number (null for a batch that is only encoded); all are when this is left out.</param>
    public OperationTimes(OperationClock clock, Action<ReadOnlySpan<TimedOperation>> receive, Func<int?, bool>? isWanted = null)
    {
        _clock = clock;
        _receive = receive;
        _isWanted = isWanted ?? (static _ => true);
    }

    /// <inheritdoc/>
    public void BeginStep(int? step)
    {
        _isOpen = _isWanted(step);
        _step = step;
        _batch += _isOpen ? 1 : 0;
        EnterPhase(StepPhase.Upload);
    }

    /// <inheritdoc/>
    public void EndStep()
    {
        _isOpen = false;
        if (_clock.Count >= MarksUnread)
        {
            Flush();
        }
    }

    /// <inheritdoc/>
    public void EnterPhase(StepPhase phase)
    {
        _phase = phase;
        _layer = null;
    }

    /// <inheritdoc/>
    public void EnterLayer(LayerName? layer) => _layer = layer;

    /// <inheritdoc/>
    public void BeginOperation(string operation, in OperationCost cost)
    {
        if (_isOpen)
        {
            _operations.Add(new TimedOperation(operation, _layer, _phase, _step, _batch, 0, 0, cost));
            _clock.Mark();
        }
    }

    /// <inheritdoc/>
    public void EndOperation()
    {
        if (_isOpen)
        {
            _clock.Mark();
        }
    }

    /// <summary>Waits for the operations so far and hands them out. Not while an operation runs.</summary>
    public void Flush()
    {
        if (_operations.Count == 0)
        {
            return;
        }

        int marks = _clock.Count;
        if (marks != 2 * _operations.Count)
        {
            // An operation failed after it had begun. What is left of its step can't be timed.
            _operations.RemoveRange(marks / 2, _operations.Count - (marks / 2));
        }

        if (_seconds.Length < marks)
        {
            _seconds = new double[marks];
        }

        _clock.Read(_seconds);
        Span<TimedOperation> operations = CollectionsMarshal.AsSpan(_operations);
        for (int i = 0; i < operations.Length; i++)
        {
            operations[i] = operations[i] with { Begin = _seconds[2 * i], End = _seconds[(2 * i) + 1] };
        }

        _receive(operations);
        _operations.Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => _clock.Dispose();
}
