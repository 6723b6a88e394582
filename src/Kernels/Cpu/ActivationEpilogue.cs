using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>z = the product, saved; result = f(z).</summary>
/// <param name="preactivation">Where z goes, a dense matrix of the product's shape, or null.</param>
/// <param name="preactivationStride">Its columns.</param>
internal readonly unsafe struct ActivationEpilogue<TVector, TFunction>(float* preactivation, nint preactivationStride) : IGemmEpilogue
    where TVector : struct, IFloatVector<TVector>
    where TFunction : struct, IActivationFunction<TVector>
{
    private readonly float* _preactivation = preactivation;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(float* piece, nint stride, int row, int column, int rows, int columns)
    {
        float* saved = _preactivation == null ? null : _preactivation + row * preactivationStride + column;
        for (int r = 0; r < rows; r++)
        {
            for (int i = 0; i < columns; i += TVector.Count)
            {
                int remaining = columns - i;
                TVector z = Lanes.Load<TVector>(piece + i, remaining);
                if (saved != null)
                {
                    Lanes.Store(z, saved + i, remaining);
                }

                Lanes.Store(TFunction.Value(z), piece + i, remaining);
            }

            piece += stride;
            if (saved != null)
            {
                saved += preactivationStride;
            }
        }
    }
}
