using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Layers;

/// <summary>Token vectors to one vector a sentence.</summary>
public sealed class PoolingLayer
{
    private readonly PoolingModes _modes;
    private readonly Variable _output;
    private readonly Action<Pass> _backward;
    private Variable? _input;

    /// <summary>Plans the layer.</summary>
    /// <param name="modes">One mode, or several whose results lie side by side.</param>
    /// <param name="output">The variable it produces, (sentences, hidden * modes).</param>
    public PoolingLayer(PoolingModes modes, Variable output)
    {
        _modes = modes;
        _output = output;
        _backward = Backward;
    }

    /// <summary>Applies the layer to token vectors, (tokens, hidden).</summary>
    public Variable Forward(Pass pass, Variable hidden)
    {
        _input = hidden;
        pass.Kernels.Pool(pass.Batch, _modes, hidden.Value, _output.Begin(pass.Batch.Sentences));
        pass.Record(_backward);
        return _output;
    }

    private void Backward(Pass pass)
    {
        _input!.ContributeFirst();
        pass.Kernels.PoolBackward(pass.Batch, _modes, _input.Value, _output.Gradient, _input.Gradient);
    }
}
