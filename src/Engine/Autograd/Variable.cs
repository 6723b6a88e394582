using MnrEngine.Kernels;

namespace MnrEngine.Autograd;

/// <summary>
/// A matrix that one layer produces and others consume, with room for its gradient. It owns no memory: layers are given buffers once, when a
/// network is planned, and a batch uses their first rows. Several variables may share one gradient buffer where their gradients are never alive
/// at the same time.
/// </summary>
public sealed class Variable
{
    private readonly Tensor _value;
    private readonly Tensor _gradient;
    private bool _gradientWritten;
    private int _rows;

    /// <summary>Creates a variable over buffers for the largest batch.</summary>
    /// <param name="value">(capacity, width).</param>
    /// <param name="gradient">(capacity, width), or <see cref="Tensor.None"/> when no backward pass is run.</param>
    public Variable(Tensor value, Tensor gradient)
    {
        _value = value;
        _gradient = gradient;
    }

    /// <summary>The whole buffer, (capacity, width).</summary>
    public Tensor Buffer => _value;

    /// <summary>The values of the current batch, (rows, width).</summary>
    public Tensor Value => _value.FirstRows(_rows);

    /// <summary>The gradient of the current batch, shaped as <see cref="Value"/>.</summary>
    public Tensor Gradient => _gradient.FirstRows(_rows);

    /// <summary>The width of a row.</summary>
    public int Columns => _value.Columns;

    /// <summary>Begins a new value of so many rows: whatever gradient there was belongs to the past.</summary>
    /// <returns>The tensor to write the value to.</returns>
    public Tensor Begin(int rows)
    {
        _rows = rows;
        _gradientWritten = false;
        return Value;
    }

    /// <summary>
    /// Notes that a consumer contributes to the gradient now. Consumers run in reverse order, so the first contribution overwrites what a
    /// shared buffer held and the others add to it.
    /// </summary>
    /// <returns>Whether the contribution has to be added to the ones before it.</returns>
    public bool Contribute()
    {
        bool add = _gradientWritten;
        _gradientWritten = true;
        return add;
    }

    /// <summary>Notes a contribution by an operation that can only overwrite.</summary>
    /// <exception cref="InvalidOperationException">Another consumer has contributed before, and would be lost.</exception>
    public void ContributeFirst()
    {
        if (Contribute())
        {
            throw new InvalidOperationException("an operation that overwrites its input's gradient runs behind another consumer of the same input");
        }
    }
}
