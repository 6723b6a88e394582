using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Layers;

/// <summary>y = f(x W^T + b): the first half of a feed-forward block, and sentence-transformers' Dense module.</summary>
public sealed class LinearActivationLayer
{
    private readonly LinearParameters _parameters;
    private readonly Activation _activation;
    private readonly Tensor _preactivation;
    private readonly Variable _output;
    private readonly Action<Pass> _backward;
    private Variable? _input;

    /// <summary>Plans the layer.</summary>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="activation">f.</param>
    /// <param name="preactivation">The buffer to save x W^T + b in, or <see cref="Tensor.None"/> when no backward pass is run.</param>
    /// <param name="output">The variable it produces, (rows, outputs).</param>
    public LinearActivationLayer(in LinearParameters parameters, Activation activation, Tensor preactivation, Variable output)
    {
        _parameters = parameters;
        _activation = activation;
        _preactivation = preactivation;
        _output = output;
        _backward = Backward;
    }

    /// <summary>Applies the layer.</summary>
    public Variable Forward(Pass pass, Variable input)
    {
        _input = input;
        int rows = input.Value.Rows;
        pass.Kernels.LinearActivation(input.Value, _parameters, _activation, _preactivation.FirstRows(rows), _output.Begin(rows));
        pass.Record(_backward);
        return _output;
    }

    private void Backward(Pass pass)
    {
        bool add = _input!.Contribute();
        Tensor preactivation = _preactivation.FirstRows(_input.Value.Rows);
        pass.Kernels.LinearActivationBackward(
            _input.Value, _parameters, _activation, preactivation, _output.Gradient, _input.Gradient, add, pass.Accumulate);
        pass.Announce(_parameters);
    }
}
