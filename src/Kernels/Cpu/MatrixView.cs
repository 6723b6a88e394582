namespace MnrEngine.Kernels.Cpu;

/// <summary>A matrix of floats in memory that somebody else owns, stored by rows, or the transpose of one.</summary>
/// <param name="data">The first element.</param>
/// <param name="rows">Rows, as seen.</param>
/// <param name="columns">Columns, as seen.</param>
/// <param name="stride">Elements between the beginnings of two stored rows.</param>
/// <param name="isTransposed">Whether what is stored is the transpose of what is seen.</param>
internal readonly unsafe struct MatrixView(float* data, int rows, int columns, nint stride, bool isTransposed = false)
{
    public MatrixView(float* data, int rows, int columns)
        : this(data, rows, columns, columns)
    {
    }

    public float* Data { get; } = data;

    public int Rows { get; } = rows;

    public int Columns { get; } = columns;

    public nint Stride { get; } = stride;

    public bool IsTransposed { get; } = isTransposed;

    public MatrixView Transposed => new(Data, Columns, Rows, Stride, !IsTransposed);

    /// <summary>The address of an element, as seen.</summary>
    public float* At(int row, int column) => IsTransposed ? Data + column * Stride + row : Data + row * Stride + column;
}
