using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>The product as it is.</summary>
internal readonly unsafe struct NoEpilogue : IGemmEpilogue
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(float* piece, nint stride, int row, int column, int rows, int columns)
    {
    }
}
