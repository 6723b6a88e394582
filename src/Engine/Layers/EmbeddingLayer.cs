using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Layers;

/// <summary>Token ids to vectors: word, position and token-type embedding, LayerNorm and dropout.</summary>
public sealed class EmbeddingLayer
{
    private readonly EmbeddingParameters _parameters;
    private readonly Dropout _dropout;
    private readonly Tensor _normalized;
    private readonly Tensor _inverseDeviation;
    private readonly Variable _output;
    private readonly Action<Pass> _backward;

    /// <summary>Plans the layer.</summary>
    /// <param name="plan">Gives its buffers.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="dropout">The dropout behind its LayerNorm.</param>
    /// <param name="output">The variable it produces, (tokens, hidden).</param>
    public EmbeddingLayer(BufferPlan plan, in EmbeddingParameters parameters, in Dropout dropout, Variable output)
    {
        _parameters = parameters;
        _dropout = dropout;
        _output = output;
        _normalized = plan.BackwardOnlyTokens(output.Columns);
        _inverseDeviation = plan.BackwardOnlyFloats(plan.TokenRows, 1);
        _backward = Backward;
    }

    /// <summary>Embeds the batch of the pass.</summary>
    public Variable Forward(Pass pass)
    {
        int rows = pass.Batch.TokenRows;
        pass.Kernels.EmbedNorm(
            pass.Batch, _parameters, pass.Dropout(_dropout), _normalized.FirstRows(rows), _inverseDeviation.FirstRows(rows), _output.Begin(rows));
        pass.Record(_backward);
        return _output;
    }

    private void Backward(Pass pass)
    {
        int rows = pass.Batch.TokenRows;
        pass.Kernels.EmbedNormBackward(
            pass.Batch, _parameters, pass.Dropout(_dropout), _normalized.FirstRows(rows), _inverseDeviation.FirstRows(rows), _output.Gradient, pass.Accumulate);
        pass.Announce(_parameters.Norm);
        pass.Announce(_parameters.TokenType);
        pass.Announce(_parameters.Position);
        pass.Announce(_parameters.Word);
    }
}
