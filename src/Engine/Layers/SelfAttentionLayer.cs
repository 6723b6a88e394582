using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Layers;

/// <summary>Softmax attention of the tokens of a sentence to each other, head by head.</summary>
public sealed class SelfAttentionLayer
{
    private readonly int _heads;
    private readonly RelativeBiasLayer? _bias;
    private readonly Dropout _dropout;
    private readonly Tensor _logSumExp;
    private readonly Variable _output;
    private readonly Action<Pass> _backward;
    private Variable? _input;

    /// <summary>Plans the layer.</summary>
    /// <param name="plan">Gives its buffers.</param>
    /// <param name="heads">The number of heads.</param>
    /// <param name="bias">What is added to the scores, or null for nothing; its forward pass runs before this layer's.</param>
    /// <param name="dropout">The dropout of the attention probabilities.</param>
    /// <param name="output">The variable it produces, (tokens, hidden).</param>
    public SelfAttentionLayer(BufferPlan plan, int heads, RelativeBiasLayer? bias, in Dropout dropout, Variable output)
    {
        _heads = heads;
        _bias = bias;
        _dropout = dropout;
        _output = output;
        _logSumExp = plan.BackwardOnlyFloats(plan.TokenRows, heads);
        _backward = Backward;
    }

    /// <summary>Applies the layer to queries, keys and values, (tokens, 3 hidden).</summary>
    public Variable Forward(Pass pass, Variable queryKeyValue)
    {
        _input = queryKeyValue;
        int rows = pass.Batch.TokenRows;
        pass.Kernels.Attention(
            pass.Batch, queryKeyValue.Value, _heads, _bias?.Value ?? Tensor.None, pass.Dropout(_dropout), _logSumExp.FirstRows(rows), _output.Begin(rows));
        pass.Record(_backward);
        return _output;
    }

    private void Backward(Pass pass)
    {
        _input!.ContributeFirst();
        pass.Kernels.AttentionBackward(
            pass.Batch, _input.Value, _heads, _bias?.Value ?? Tensor.None, pass.Dropout(_dropout), _logSumExp.FirstRows(pass.Batch.TokenRows),
            _output.Value, _output.Gradient, _input.Gradient, _bias?.Gradient ?? Tensor.None);
    }
}
