using System.Numerics;

namespace MnrEngine.Evaluation;

/// <summary>Sums over two vectors of equal length in single precision, a register at a time; the order is fixed by the machine's registers.</summary>
internal static class FloatVectors
{
    /// <summary>The dot product.</summary>
    public static float Dot(ReadOnlySpan<float> u, ReadOnlySpan<float> v) => Sum<Product>(u, v);

    /// <summary>The square of the distance.</summary>
    public static float SquaredDistance(ReadOnlySpan<float> u, ReadOnlySpan<float> v) => Sum<SquaredDifference>(u, v);

    /// <summary>The sum of absolute differences.</summary>
    public static float Manhattan(ReadOnlySpan<float> u, ReadOnlySpan<float> v) => Sum<AbsoluteDifference>(u, v);

    private static float Sum<TTerm>(ReadOnlySpan<float> u, ReadOnlySpan<float> v)
        where TTerm : struct, ITerm
    {
        Vector<float> sum = Vector<float>.Zero;
        int i = 0;
        for (; i <= u.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            sum += TTerm.Of(new Vector<float>(u[i..]), new Vector<float>(v[i..]));
        }

        float total = Vector.Sum(sum);
        for (; i < u.Length; i++)
        {
            total += TTerm.Of(new Vector<float>(u[i]), new Vector<float>(v[i]))[0];
        }

        return total;
    }

    private interface ITerm
    {
        static abstract Vector<float> Of(Vector<float> a, Vector<float> b);
    }

    private readonly struct Product : ITerm
    {
        public static Vector<float> Of(Vector<float> a, Vector<float> b) => a * b;
    }

    private readonly struct SquaredDifference : ITerm
    {
        public static Vector<float> Of(Vector<float> a, Vector<float> b) => (a - b) * (a - b);
    }

    private readonly struct AbsoluteDifference : ITerm
    {
        public static Vector<float> Of(Vector<float> a, Vector<float> b) => Vector.Abs(a - b);
    }
}
