using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Layers;

/// <summary>y = x W^T + b.</summary>
public sealed class LinearLayer
{
    private readonly LinearParameters _parameters;
    private readonly Variable _output;
    private readonly Action<Pass> _backward;
    private Variable? _input;

    /// <summary>Plans the layer.</summary>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="output">The variable it produces, (rows, outputs).</param>
    public LinearLayer(in LinearParameters parameters, Variable output)
    {
        _parameters = parameters;
        _output = output;
        _backward = Backward;
    }

    /// <summary>Applies the layer.</summary>
    public Variable Forward(Pass pass, Variable input)
    {
        _input = input;
        pass.Kernels.Linear(input.Value, _parameters, _output.Begin(input.Value.Rows));
        pass.Record(_backward);
        return _output;
    }

    private void Backward(Pass pass)
    {
        bool add = _input!.Contribute();
        pass.Kernels.LinearBackward(_input.Value, _parameters, _output.Gradient, _input.Gradient, add, pass.Accumulate);
        pass.Announce(_parameters);
    }
}
