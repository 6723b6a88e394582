namespace MnrEngine.Kernels;

/// <summary>
/// A dense row-major matrix in device memory: a region of an arena, never data that the engine could look into without
/// <see cref="IKernels.Read(Tensor, Span{float})"/>. A vector is one row; a scalar is 1 x 1.
/// </summary>
/// <param name="Arena">The memory it lies in, or null for <see cref="None"/>.</param>
/// <param name="Offset">Where it begins, in bytes from the arena's first.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Rows">The number of rows.</param>
/// <param name="Columns">The number of columns, which is also the distance between rows in elements.</param>
public readonly record struct Tensor(DeviceArena? Arena, long Offset, ElementType Type, int Rows, int Columns)
{
    /// <summary>No tensor: what an optional operand is when it is left out.</summary>
    public static Tensor None => default;

    /// <summary>Whether this is <see cref="None"/>.</summary>
    public bool IsNone => Arena is null;

    /// <summary>The number of elements.</summary>
    public long Length => (long)Rows * Columns;

    /// <summary>The size in bytes.</summary>
    public long Bytes => Length * Type.Bytes();

    /// <summary>The device address of the first element.</summary>
    /// <exception cref="InvalidOperationException">This is <see cref="None"/>.</exception>
    /// <exception cref="ObjectDisposedException">The arena has been released.</exception>
    public nint Address
    {
        get
        {
            if (Arena is null)
            {
                throw new InvalidOperationException("an operation was given no tensor for an operand that it needs");
            }

            ObjectDisposedException.ThrowIf(Arena.Address == 0, Arena);
            return Arena.Address + (nint)Offset;
        }
    }

    /// <summary>The first rows of this tensor, for a batch smaller than the buffer. <see cref="None"/> stays <see cref="None"/>.</summary>
    public Tensor FirstRows(int rows) => Slice(0, rows);

    /// <summary>A run of rows of this tensor. <see cref="None"/> stays <see cref="None"/>.</summary>
    public Tensor Slice(int firstRow, int rows)
    {
        if (IsNone)
        {
            return None;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)firstRow + rows, Rows, nameof(rows));
        return this with { Offset = Offset + (long)firstRow * Columns * Type.Bytes(), Rows = rows };
    }

    /// <summary>A run of elements seen as a matrix of another shape, for cutting parameters from a flat arena.</summary>
    /// <param name="firstElement">The first element of the run, in row-major order.</param>
    /// <param name="rows">Rows of the view.</param>
    /// <param name="columns">Columns of the view.</param>
    public Tensor View(long firstElement, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstElement);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstElement + (long)rows * columns, Length, nameof(rows));
        return this with { Offset = Offset + firstElement * Type.Bytes(), Rows = rows, Columns = columns };
    }

    /// <inheritdoc/>
    public override string ToString() => IsNone ? "none" : $"{Rows} x {Columns} {Type} in '{Arena!.Label}'";
}
