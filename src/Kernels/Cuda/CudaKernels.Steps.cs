using MnrEngine.Kernels.Cuda.Memory;

namespace MnrEngine.Kernels.Cuda;

/// <summary>Steps: run, recorded, or replayed.</summary>
public sealed unsafe partial class CudaKernels
{
    private RecordedStep? _replay;
    private int _slot;
    private int _stepWordRows;
    private int _stepPositionRows;

    /// <summary>How many steps have been replayed so far.</summary>
    internal long ReplayedSteps => _graphs.Replays;

    /// <inheritdoc/>
    public bool BeginStep(in StepKey key)
    {
        // A step that threw never came to its end.
        _graphs.Abandon();
        _replay = null;
        _slot = key.Slot;
        _stepWordRows = int.MaxValue;
        _stepPositionRows = int.MaxValue;
        if (!_options.RecordSteps || _runsEveryStep || _context.IsSynchronous)
        {
            return true;
        }

        _replay = _graphs.Find(key);
        return _replay is null;
    }

    /// <inheritdoc/>
    public void EndStep()
    {
        if (_replay is { } step)
        {
            _replay = null;
            CheckIndices(_slot, step.WordRows, step.PositionRows);
            _graphs.Replay(step);
        }
        else if (_graphs.IsRecording)
        {
            _graphs.Finish(_stepWordRows, _stepPositionRows);
        }
    }

    /// <summary>An index beyond its table would read or write memory of others, and a GPU does not say so.</summary>
    private void CheckIndices(int slot, int wordRows, int positionRows)
    {
        (int tokenId, int position) = _slots.Largest(slot);
        Check(tokenId, wordRows, "token id");
        Check(position, positionRows, "position");

        static void Check(int index, int rows, string what)
        {
            if ((uint)index >= (uint)rows)
            {
                throw new ArgumentException($"EmbedNorm: {what} {index} is in the batch, but its table has {rows} rows");
            }
        }
    }
}
