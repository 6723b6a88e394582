namespace MnrEngine.Kernels.Cpu;

/// <summary>A panel of an operand as <see cref="GemmKernel{TVector}"/> reads it: a packed one, or where it lies in its matrix.</summary>
/// <param name="data">The first element of the first k.</param>
/// <param name="stride">Elements between two stored rows of the matrix; 0 for a packed panel.</param>
/// <param name="isAlongWidth">Whether stored rows run along the width; else they run along the depth.</param>
/// <param name="copy">Where the tile that reads the panel leaves a packed copy, if its rows run along the width; null for nowhere.</param>
internal readonly unsafe struct OperandPanel(float* data, nint stride = 0, bool isAlongWidth = true, float* copy = null)
{
    public float* Data { get; } = data;

    public nint Stride { get; } = stride;

    public bool IsAlongWidth { get; } = isAlongWidth;

    public float* Copy { get; } = copy;

    public bool IsPacked => Stride == 0;
}
