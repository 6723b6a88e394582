using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Elementary functions of a register of floats. The errors stated are the largest found against double precision, over every 251st float of
/// the domain, in units in the last place (ulp) of the result; all functions return NaN for NaN.
/// </summary>
/// <remarks>The polynomials are minimax fits (Remez' algorithm) whose coefficients were rounded to floats one after the other, refitting the rest.</remarks>
internal static class VectorMath
{
    private const float Log2OfE = 1.44269504f;

    // ln 2 in two parts; the first has so few bits that its product with an exponent is exact even without fused multiply-add.
    private const float Ln2High = 0.693145752f;
    private const float Ln2Low = 1.42860677e-6f;

    /// <summary>e^x. At most 1 ulp; infinity above 88.7228, denormals and then 0 below -87.3365.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp<TVector>(TVector x)
        where TVector : struct, IFloatVector<TVector>
    {
        // Beyond these bounds the result is infinity or 0 all the same. The bound comes first so that NaN passes.
        x = TVector.Max(TVector.Broadcast(-104f), TVector.Min(TVector.Broadcast(89f), x));
        TVector n = TVector.Round(x * TVector.Broadcast(Log2OfE));
        TVector r = TVector.MultiplyAdd(n, TVector.Broadcast(-Ln2High), x);
        r = TVector.MultiplyAdd(n, TVector.Broadcast(-Ln2Low), r);

        // e^r = 1 + r + r^2 p(r) on [-ln 2 / 2, ln 2 / 2], to 4e-9.
        TVector p = TVector.Broadcast(0.00138383231f);
        p = TVector.MultiplyAdd(p, r, TVector.Broadcast(0.00836916547f));
        p = TVector.MultiplyAdd(p, r, TVector.Broadcast(0.0416681021f));
        p = TVector.MultiplyAdd(p, r, TVector.Broadcast(0.166665167f));
        p = TVector.MultiplyAdd(p, r, TVector.Broadcast(0.49999994f));
        TVector power = TVector.Broadcast(1f) + TVector.MultiplyAdd(p, r * r, r);
        return TVector.ScaleByPowerOfTwo(power, n);
    }

    /// <summary>The natural logarithm. At most 1 ulp; -infinity at 0, NaN below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Log<TVector>(TVector x)
        where TVector : struct, IFloatVector<TVector>
    {
        TVector one = TVector.Broadcast(1f);
        TVector half = TVector.Broadcast(0.5f);

        // Denormals have no exponent of their own: lift them by 2^24 first.
        TVector isTiny = TVector.Less(x, TVector.Broadcast(1.17549435e-38f));
        TVector normal = TVector.Select(isTiny, x * TVector.Broadcast(16777216f), x);
        TVector exponent = TVector.Exponent(normal) - (isTiny & TVector.Broadcast(24f));
        TVector mantissa = TVector.Mantissa(normal);
        TVector isLarge = TVector.Less(TVector.Broadcast(1.41421354f), mantissa);
        mantissa = TVector.Select(isLarge, mantissa * half, mantissa);
        exponent += isLarge & one;

        // ln(1 + f) = f - f^2 / 2 + f^3 p(f) on [1 / sqrt 2 - 1, sqrt 2 - 1], to 7e-9.
        TVector f = mantissa - one;
        TVector square = f * f;
        TVector p = TVector.Broadcast(-0.0787752122f);
        p = TVector.MultiplyAdd(p, f, TVector.Broadcast(0.128869206f));
        p = TVector.MultiplyAdd(p, f, TVector.Broadcast(-0.131272465f));
        p = TVector.MultiplyAdd(p, f, TVector.Broadcast(0.141807675f));
        p = TVector.MultiplyAdd(p, f, TVector.Broadcast(-0.166245461f));
        p = TVector.MultiplyAdd(p, f, TVector.Broadcast(0.200023085f));
        p = TVector.MultiplyAdd(p, f, TVector.Broadcast(-0.250008106f));
        p = TVector.MultiplyAdd(p, f, TVector.Broadcast(0.333333164f));
        TVector small = TVector.MultiplyAdd(p * f, square, exponent * TVector.Broadcast(Ln2Low));
        small = TVector.MultiplyAdd(square, TVector.Broadcast(-0.5f), small);
        TVector result = TVector.MultiplyAdd(exponent, TVector.Broadcast(Ln2High), f + small);

        TVector infinity = TVector.Broadcast(float.PositiveInfinity);
        result = TVector.Select(TVector.Less(x, infinity), result, x);
        result = TVector.Select(TVector.Equal(x, TVector.Zero), TVector.Zero - infinity, result);
        return TVector.Select(TVector.Less(x, TVector.Zero), TVector.Broadcast(float.NaN), result);
    }

    /// <summary>The hyperbolic tangent. At most 2 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh<TVector>(TVector x)
        where TVector : struct, IFloatVector<TVector>
    {
        TVector sign = x & TVector.Broadcast(-0f);
        TVector magnitude = x ^ sign;

        // tanh x = x + x^3 p(x^2) below 0.55, to 1e-9 of the result.
        TVector square = x * x;
        TVector p = TVector.Broadcast(-0.00624284893f);
        p = TVector.MultiplyAdd(p, square, TVector.Broadcast(0.021050714f));
        p = TVector.MultiplyAdd(p, square, TVector.Broadcast(-0.0538475476f));
        p = TVector.MultiplyAdd(p, square, TVector.Broadcast(0.133325443f));
        p = TVector.MultiplyAdd(p, square, TVector.Broadcast(-0.333333164f));
        TVector near = TVector.MultiplyAdd(p * square, x, x);

        TVector one = TVector.Broadcast(1f);
        TVector far = one - TVector.Broadcast(2f) / (Exp(magnitude + magnitude) + one);
        return TVector.Select(TVector.Less(magnitude, TVector.Broadcast(0.55f)), near, far) | sign;
    }
}
