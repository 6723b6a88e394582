using MnrEngine.Kernels;
using MnrEngine.Losses;

namespace MnrEngine.Training;

/// <summary>The labels of a batch on the device.</summary>
internal sealed class BatchLabels : IDisposable
{
    private readonly IKernels _kernels;
    private readonly TrainingLabels _labels;
    private readonly DeviceArena _memory;
    private readonly Tensor _device;
    private readonly int[] _classes;
    private readonly float[] _scores;

    /// <summary>Reserves room for the largest batch.</summary>
    public BatchLabels(IKernels kernels, TrainingLabels labels, int largestBatch)
    {
        _kernels = kernels;
        _labels = labels;
        bool areClasses = labels.Kind == LabelKind.Class;
        ElementType type = areClasses ? ElementType.Int32 : ElementType.Float32;
        _memory = kernels.CreateArena("labels", DeviceArena.BytesOf(type, 1, largestBatch));
        _device = _memory.Allocate(type, 1, largestBatch);
        _classes = new int[areClasses ? largestBatch : 0];
        _scores = new float[areClasses ? 0 : largestBatch];
    }

    /// <summary>Hands the labels of these rows to the device; called before the step is begun.</summary>
    /// <returns>(1, rows).</returns>
    public Tensor Write(int[] rows)
    {
        Tensor target = _device.View(0, 1, rows.Length);
        if (_labels.Kind == LabelKind.Class)
        {
            for (int i = 0; i < rows.Length; i++)
            {
                _classes[i] = _labels.ClassOfRow[rows[i]];
            }

            _kernels.Write(target, _classes.AsSpan(0, rows.Length));
        }
        else
        {
            for (int i = 0; i < rows.Length; i++)
            {
                _scores[i] = _labels.ScoreOfRow[rows[i]];
            }

            _kernels.Write(target, _scores.AsSpan(0, rows.Length));
        }

        return target;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
