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

/// <summary>f(x) = x P(x), f'(x) = P(x) + x p(x), with the normal distribution P(x) = (1 + erf(x / sqrt 2)) / 2 and its density p.</summary>
internal readonly struct Gelu<TVector> : IActivationFunction<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    private const float InverseRootOfTwo = 0.70710678f;
    private const float DensityAtZero = 0.39894228f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Value(TVector x) => x * Distribution(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Derivative(TVector x)
    {
        TVector density = TVector.Broadcast(DensityAtZero) * VectorMath.Exp(TVector.Broadcast(-0.5f) * x * x);
        return TVector.MultiplyAdd(x, density, Distribution(x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Distribution(TVector x)
    {
        TVector half = TVector.Broadcast(0.5f);
        return TVector.MultiplyAdd(half, VectorMath.Erf(x * TVector.Broadcast(InverseRootOfTwo)), half);
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
