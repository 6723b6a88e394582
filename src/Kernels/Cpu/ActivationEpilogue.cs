using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>z = product + bias, saved; result = f(z).</summary>
/// <param name="bias">As many elements as the product has columns, or null.</param>
/// <param name="preactivation">Where z goes, a dense matrix of the product's shape, or null.</param>
/// <param name="preactivationStride">Its columns.</param>
internal readonly unsafe struct ActivationEpilogue<TVector, TFunction>(float* bias, float* preactivation, nint preactivationStride) : IGemmEpilogue
    where TVector : struct, IFloatVector<TVector>
    where TFunction : struct, IActivationFunction<TVector>
{
    private readonly float* _bias = bias;
    private readonly float* _preactivation = preactivation;

    public void Apply(float* piece, nint stride, int row, int column, int rows, int columns)
    {
        for (int i = 0; i < columns; i += TVector.Count)
        {
            int remaining = columns - i;
            TVector bias = _bias == null ? TVector.Zero : Lanes.Load<TVector>(_bias + column + i, remaining);
            float* from = piece + i;
            float* saved = _preactivation + row * preactivationStride + column + i;
            for (int r = 0; r < rows; r++)
            {
                TVector z = Lanes.Load<TVector>(from, remaining) + bias;
                if (_preactivation != null)
                {
                    Lanes.Store(z, saved, remaining);
                    saved += preactivationStride;
                }

                Lanes.Store(TFunction.Value(z), from, remaining);
                from += stride;
            }
        }
    }
}
