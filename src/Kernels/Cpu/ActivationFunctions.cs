using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>An activation and its derivative; a struct, so that it is compiled into the loops that use it.</summary>
internal interface IActivationFunction<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    /// <summary>f(x).</summary>
    static abstract TVector Value(TVector x);

    /// <summary>f'(x).</summary>
    static abstract TVector Derivative(TVector x);
}

/// <summary>f(x) = x.</summary>
internal readonly struct Identity<TVector> : IActivationFunction<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Value(TVector x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Derivative(TVector x) => TVector.Broadcast(1f);
}

/// <summary>
/// f(x) = x P(x), f'(x) = P(x) + x p(x), with the normal distribution P(x) = (1 + erf(x / sqrt 2)) / 2 and its density p. One exponential serves both: for a = |x|,
/// <code>
/// P(-a) = e^(-a^2 / 2) R(a);  p(a) = e^(-a^2 / 2) / sqrt(2 pi);  P(a) = 1 - P(-a)
/// </code>
/// R is a polynomial, a minimax fit with the weight e^(-a^2 / 2) max(1, a) to 9e-9 on [0, 5.8]; beyond, P(-a) and a P(-a) are below 2e-8, whatever the polynomial says.
/// f and f' are off by at most 8e-8 max(1, |x|) and 1.2e-7.
/// </summary>
internal readonly struct Gelu<TVector> : IActivationFunction<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    private const float DensityAtZero = 0.39894228f;
    private const float R1 = -0.398941696f;

    // Here e^(-a^2 / 2) is 5e-32; an exponential that underflows would cost a hundred times one that does not.
    private const float Farthest = 12f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Value(TVector x)
    {
        TVector a = Magnitude(x);
        return TVector.MultiplyAdd(TVector.Zero - a, ExponentialTimesPolynomial(a, R1), TVector.Max(TVector.Zero, x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Derivative(TVector x)
    {
        // P(-a) - a p(a): the density only changes the polynomial's coefficient of a.
        TVector below = ExponentialTimesPolynomial(Magnitude(x), R1 - DensityAtZero);
        return TVector.Select(TVector.Less(x, TVector.Zero), below, TVector.Broadcast(1f) - below);
    }

    /// <summary>|x|, at most <see cref="Farthest"/>; NaN passes because the bound comes first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Magnitude(TVector x) => TVector.Min(TVector.Broadcast(Farthest), x & TVector.BroadcastBits(0x7FFF_FFFF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector ExponentialTimesPolynomial(TVector a, float linear)
    {
        TVector r = TVector.Broadcast(4.61699976e-8f);
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(-1.32497883e-6f));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(1.71953907e-5f));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(-0.000135084163f));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(0.000729899097f));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(-0.00294666039f));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(0.00950564258f));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(-0.0259297788f));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(0.0621857569f));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(-0.132893577f));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(0.249987885f));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(linear));
        r = TVector.MultiplyAdd(r, a, TVector.Broadcast(0.5f));
        return VectorMath.Exp(TVector.Broadcast(-0.5f) * a * a) * r;
    }
}

/// <summary>f(x) = x (1 + t) / 2 with t = tanh u, u = a (x + c x^3), a = sqrt(2 / pi), c = 0.044715; f' = (1 + t) / 2 + x (1 - t^2) u' / 2.</summary>
internal readonly struct GeluTanh<TVector> : IActivationFunction<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    private const float A = 0.79788456f;
    private const float C = 0.044715f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Value(TVector x)
    {
        TVector halfX = TVector.Broadcast(0.5f) * x;
        return TVector.MultiplyAdd(halfX, HyperbolicTangent(x), halfX);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Derivative(TVector x)
    {
        TVector half = TVector.Broadcast(0.5f);
        TVector one = TVector.Broadcast(1f);
        TVector t = HyperbolicTangent(x);
        TVector slope = TVector.MultiplyAdd(TVector.Broadcast(3 * A * C), x * x, TVector.Broadcast(A));
        return half * (one + t) + half * x * ((one - t) * (one + t)) * slope;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector HyperbolicTangent(TVector x) =>
        VectorMath.Tanh(x * TVector.MultiplyAdd(TVector.Broadcast(A * C), x * x, TVector.Broadcast(A)));
}

/// <summary>f(x) = max(x, 0), f'(0) = 0.</summary>
internal readonly struct Relu<TVector> : IActivationFunction<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Value(TVector x) => TVector.Max(TVector.Zero, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Derivative(TVector x) => TVector.Less(TVector.Zero, x) & TVector.Broadcast(1f);
}

/// <summary>f(x) = tanh x, f' = 1 - tanh^2 x.</summary>
internal readonly struct Tanh<TVector> : IActivationFunction<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Value(TVector x) => VectorMath.Tanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Derivative(TVector x)
    {
        TVector one = TVector.Broadcast(1f);
        TVector t = VectorMath.Tanh(x);
        return (one - t) * (one + t);
    }
}

/// <summary>f(x) = 1 / (1 + e^-x), f' = f (1 - f).</summary>
internal readonly struct Sigmoid<TVector> : IActivationFunction<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Value(TVector x)
    {
        TVector one = TVector.Broadcast(1f);
        return one / (one + VectorMath.Exp(TVector.Zero - x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Derivative(TVector x)
    {
        TVector y = Value(x);
        return y * (TVector.Broadcast(1f) - y);
    }
}
