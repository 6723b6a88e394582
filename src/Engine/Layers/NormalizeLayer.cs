using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Layers;

/// <summary>Divides each embedding by its length.</summary>
public sealed class NormalizeLayer
{
    private readonly Tensor _length;
    private readonly Variable _output;
    private readonly Action<Pass> _backward;
    private Variable? _input;

    /// <summary>Plans the layer.</summary>
    /// <param name="plan">Gives its buffers.</param>
    /// <param name="output">The variable it produces, (sentences, width).</param>
    public NormalizeLayer(BufferPlan plan, Variable output)
    {
        _output = output;
        _length = plan.BackwardOnlyFloats(plan.Limits.Sentences, 1);
        _backward = Backward;
    }

    /// <summary>Applies the layer.</summary>
    public Variable Forward(Pass pass, Variable input)
    {
        _input = input;
        int rows = input.Value.Rows;
        pass.Kernels.Normalize(input.Value, _length.FirstRows(rows), _output.Begin(rows));
        pass.Record(_backward);
        return _output;
    }

    private void Backward(Pass pass)
    {
        _input!.ContributeFirst();
        pass.Kernels.NormalizeBackward(_output.Value, _length.FirstRows(_input.Value.Rows), _output.Gradient, _input.Gradient);
    }
}
