using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// LayerNorm of one row of n columns (Ba et al., 2016):
/// <code>
/// x^ = (x - mean) * r,  r = 1 / sqrt(variance + epsilon),  y = x^ g + b
/// dx = r (a - mean(a) - x^ mean(a x^)),  a = dy g;  dg += dy x^;  db += dy
/// </code>
/// </summary>
/// <remarks>The row lies in the first-level cache, so that mean and variance may take a sweep each: no difference of large sums.</remarks>
internal static unsafe class LayerNormRow<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    /// <summary>Normalises a row in place.</summary>
    /// <param name="row">x, then y.</param>
    /// <param name="columns">n.</param>
    /// <param name="sum">The sum of x.</param>
    /// <param name="weight">g.</param>
    /// <param name="bias">b.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="normalized">x^, or null when nobody needs it.</param>
    /// <returns>r.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Forward(float* row, int columns, TVector sum, float* weight, float* bias, float epsilon, float* normalized)
    {
        float mean = TVector.Sum(sum) / columns;
        TVector means = TVector.Broadcast(mean);
        TVector squares = TVector.Zero;
        int whole = columns - columns % TVector.Count;
        for (int i = 0; i < whole; i += TVector.Count)
        {
            TVector difference = TVector.Load(row + i) - means;
            squares = TVector.MultiplyAdd(difference, difference, squares);
        }

        float variance = TVector.Sum(squares);
        for (int i = whole; i < columns; i++)
        {
            float difference = row[i] - mean;
            variance += difference * difference;
        }

        float inverse = 1f / MathF.Sqrt(variance / columns + epsilon);
        TVector inverses = TVector.Broadcast(inverse);
        for (int i = 0; i < columns; i += TVector.Count)
        {
            int remaining = columns - i;
            TVector value = (Lanes.Load<TVector>(row + i, remaining) - means) * inverses;
            if (normalized != null)
            {
                Lanes.Store(value, normalized + i, remaining);
            }

            TVector output = TVector.MultiplyAdd(value, Lanes.Load<TVector>(weight + i, remaining), Lanes.Load<TVector>(bias + i, remaining));
            Lanes.Store(output, row + i, remaining);
        }

        return inverse;
    }

    /// <summary>The gradients of one row.</summary>
    /// <param name="gradient">dy.</param>
    /// <param name="normalized">x^.</param>
    /// <param name="inverseDeviation">r.</param>
    /// <param name="weight">g.</param>
    /// <param name="columns">n.</param>
    /// <param name="weightGradient">dg, added to.</param>
    /// <param name="biasGradient">db, added to.</param>
    /// <param name="inputGradient">dx; may be <paramref name="gradient"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(
        float* gradient, float* normalized, float inverseDeviation, float* weight, int columns, float* weightGradient, float* biasGradient, float* inputGradient)
    {
        TVector sum = TVector.Zero;
        TVector product = TVector.Zero;
        for (int i = 0; i < columns; i += TVector.Count)
        {
            int remaining = columns - i;
            TVector dy = Lanes.Load<TVector>(gradient + i, remaining);
            TVector value = Lanes.Load<TVector>(normalized + i, remaining);
            TVector a = dy * Lanes.Load<TVector>(weight + i, remaining);
            sum += a;
            product = TVector.MultiplyAdd(a, value, product);
            Lanes.Store(TVector.MultiplyAdd(dy, value, Lanes.Load<TVector>(weightGradient + i, remaining)), weightGradient + i, remaining);
            Lanes.Store(dy + Lanes.Load<TVector>(biasGradient + i, remaining), biasGradient + i, remaining);
        }

        TVector inverse = TVector.Broadcast(inverseDeviation);
        TVector mean = TVector.Broadcast(TVector.Sum(sum) / columns);
        TVector meanProduct = TVector.Broadcast(TVector.Sum(product) / columns);
        for (int i = 0; i < columns; i += TVector.Count)
        {
            int remaining = columns - i;
            TVector a = Lanes.Load<TVector>(gradient + i, remaining) * Lanes.Load<TVector>(weight + i, remaining);
            TVector value = Lanes.Load<TVector>(normalized + i, remaining);
            Lanes.Store(inverse * (a - mean - value * meanProduct), inputGradient + i, remaining);
        }
    }
}
