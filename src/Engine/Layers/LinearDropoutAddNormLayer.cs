using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Layers;

/// <summary>y = LayerNorm(dropout(x W^T + b) + residual): the end of an attention block and of a feed-forward block.</summary>
public sealed class LinearDropoutAddNormLayer
{
    private readonly LinearParameters _linear;
    private readonly NormParameters _norm;
    private readonly Dropout _dropout;
    private readonly Tensor _normalized;
    private readonly Tensor _inverseDeviation;
    private readonly Variable _output;
    private readonly Action<Pass> _backward;
    private Variable? _input;
    private Variable? _residual;

    /// <summary>Plans the layer.</summary>
    /// <param name="plan">Gives its buffers.</param>
    /// <param name="linear">The linear layer's parameters.</param>
    /// <param name="dropout">The dropout behind it.</param>
    /// <param name="norm">The LayerNorm's parameters.</param>
    /// <param name="output">The variable it produces, (tokens, outputs).</param>
    public LinearDropoutAddNormLayer(BufferPlan plan, in LinearParameters linear, in Dropout dropout, in NormParameters norm, Variable output)
    {
        _linear = linear;
        _dropout = dropout;
        _norm = norm;
        _output = output;
        _normalized = plan.BackwardOnlyTokens(output.Columns);
        _inverseDeviation = plan.BackwardOnlyFloats(plan.TokenRows, 1);
        _backward = Backward;
    }

    /// <summary>Applies the layer.</summary>
    public Variable Forward(Pass pass, Variable input, Variable residual)
    {
        _input = input;
        _residual = residual;
        int rows = input.Value.Rows;
        pass.Kernels.LinearDropoutAddNorm(
            input.Value, _linear, pass.Dropout(_dropout), residual.Value, _norm, _normalized.FirstRows(rows), _inverseDeviation.FirstRows(rows), _output.Begin(rows));
        pass.Record(_backward);
        return _output;
    }

    private void Backward(Pass pass)
    {
        int rows = _input!.Value.Rows;
        _input.ContributeFirst();
        _residual!.ContributeFirst();
        pass.Kernels.LinearDropoutAddNormBackward(
            _input.Value, _linear, pass.Dropout(_dropout), _norm, _normalized.FirstRows(rows), _inverseDeviation.FirstRows(rows),
            _output.Gradient, _input.Gradient, _residual.Gradient, pass.Accumulate);
        pass.Announce(_norm);
        pass.Announce(_linear);
    }
}
