using MnrEngine.Kernels.Tracing;

namespace MnrEngine.Autograd;

/// <summary>
/// What makes a network differentiable: every layer's forward call records one delegate, made once when the layer was, over buffers the layer
/// owns; the backward pass runs them in reverse. Nothing is allocated once the list has grown to the network's length.
/// </summary>
public sealed class Tape
{
    private readonly List<(Action<Pass> Backward, LayerName? Layer)> _operations = [];

    /// <summary>How many operations are recorded.</summary>
    public int Count => _operations.Count;

    /// <summary>Records the backward half of an operation that has just run.</summary>
    /// <param name="backward">The backward half.</param>
    /// <param name="layer">The part of the network that it belongs to.</param>
    public void Record(Action<Pass> backward, LayerName? layer = null) => _operations.Add((backward, layer));

    /// <summary>Runs what was recorded, last first, and forgets it.</summary>
    public void Backward(Pass pass)
    {
        pass.Enter(StepPhase.Backward);
        for (int i = _operations.Count - 1; i >= 0; i--)
        {
            (Action<Pass> backward, LayerName? layer) = _operations[i];
            pass.Enter(layer);
            backward(pass);
        }

        _operations.Clear();
    }

    /// <summary>Forgets what was recorded.</summary>
    public void Clear() => _operations.Clear();
}
