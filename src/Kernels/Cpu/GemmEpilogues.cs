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

/// <summary>Adds one row to every row of the product.</summary>
/// <param name="bias">As many elements as the product has columns.</param>
internal readonly unsafe struct BiasEpilogue<TVector>(float* bias) : IGemmEpilogue
    where TVector : struct, IFloatVector<TVector>
{
    private readonly float* _bias = bias;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(float* piece, nint stride, int row, int column, int rows, int columns)
    {
        float* bias = _bias + column;
        if (columns == 2 * TVector.Count)
        {
            TVector left = TVector.Load(bias);
            TVector right = TVector.Load(bias + TVector.Count);
            for (float* end = piece + rows * stride; piece != end; piece += stride)
            {
                TVector.Store(TVector.Load(piece) + left, piece);
                TVector.Store(TVector.Load(piece + TVector.Count) + right, piece + TVector.Count);
            }
        }
        else
        {
            for (float* end = piece + rows * stride; piece != end; piece += stride)
            {
                for (int i = 0; i < columns; i++)
                {
                    piece[i] += bias[i];
                }
            }
        }
    }
}
