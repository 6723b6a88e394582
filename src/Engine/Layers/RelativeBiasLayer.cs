using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Layers;

/// <summary>The bias of relative positions, which every attention of a network adds to its scores: made once in a pass, as wide as the longest sentence.</summary>
public sealed class RelativeBiasLayer
{
    private readonly Parameter _table;
    private readonly Tensor _value;
    private readonly Tensor _gradient;
    private readonly Action<Pass> _backward;
    private int _length;

    /// <summary>Plans the layer.</summary>
    /// <param name="plan">Gives its buffers.</param>
    /// <param name="table">(<see cref="RelativePositions.Buckets"/>, heads).</param>
    public RelativeBiasLayer(BufferPlan plan, in Parameter table)
    {
        _table = table;
        int length = plan.Limits.SentenceLength;
        _value = plan.SavedFloats("relative positions", table.Value.Columns * length, length);
        _gradient = plan.FloatGradient("relative positions", table.Value.Columns * length, length);
        _backward = Backward;
    }

    /// <summary>The bias in the pass, (heads * longest sentence, longest sentence).</summary>
    public Tensor Value => InPass(_value);

    /// <summary>The gradient of the bias, to which every attention adds its part.</summary>
    public Tensor Gradient => InPass(_gradient);

    /// <summary>Makes the bias for the batch of the pass.</summary>
    public void Forward(Pass pass)
    {
        _length = pass.Batch.LongestSentence;
        pass.Kernels.RelativeBias(_table, Value);
        if (pass.Training)
        {
            pass.Kernels.Fill(Gradient, 0);
        }

        pass.Record(_backward);
    }

    private void Backward(Pass pass)
    {
        pass.Kernels.RelativeBiasBackward(_table, Gradient, pass.Accumulate);
        pass.Announce(_table);
    }

    private Tensor InPass(Tensor buffer) => buffer.View(0, _table.Value.Columns * _length, _length);
}
