namespace MnrEngine.Autograd;

/// <summary>
/// What makes a network differentiable: every layer's forward call records one delegate, made once when the layer was, over buffers the layer
/// owns; the backward pass runs them in reverse. Nothing is allocated once the list has grown to the network's length.
/// </summary>
public sealed class Tape
{
    private readonly List<Action<Pass>> _backward = [];

    /// <summary>How many operations are recorded.</summary>
    public int Count => _backward.Count;

    /// <summary>Records the backward half of an operation that has just run.</summary>
    public void Record(Action<Pass> backward) => _backward.Add(backward);

    /// <summary>Runs what was recorded, last first, and forgets it.</summary>
    public void Backward(Pass pass)
    {
        for (int i = _backward.Count - 1; i >= 0; i--)
        {
            _backward[i](pass);
        }

        _backward.Clear();
    }

    /// <summary>Forgets what was recorded.</summary>
    public void Clear() => _backward.Clear();
}
