using MnrEngine.Kernels.Cpu;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cpu;

[TestFixture(typeof(FloatPortable))]
[TestFixture(typeof(Float256))]
[TestFixture(typeof(Float512))]
internal sealed unsafe class VectorMathTests<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    private const float Infinity = float.PositiveInfinity;

    private delegate TVector Function(TVector x);

    [SetUp]
    public void NeedsTheInstructions() => Assume.That(CpuInstructionSets.IsSupported(TVector.InstructionSet), "the machine has these instructions");

    [Test]
    public void ExpIsWithinOneUlp() => AssertUlps(VectorMath.Exp, Math.Exp, -110, 95, 1.0);

    [Test]
    public void ExpAtTheExtremes()
    {
        Assert.That(Of(VectorMath.Exp, 0f), Is.EqualTo(1f));
        Assert.That(Of(VectorMath.Exp, -0f), Is.EqualTo(1f));
        Assert.That(Of(VectorMath.Exp, Infinity), Is.EqualTo(Infinity));
        Assert.That(Of(VectorMath.Exp, -Infinity), Is.Zero);
        Assert.That(Of(VectorMath.Exp, 88.7228f), Is.EqualTo((float)Math.Exp(88.7228f)).Within(1).Ulps);
        Assert.That(Of(VectorMath.Exp, 88.7229f), Is.EqualTo(Infinity));
        Assert.That(Of(VectorMath.Exp, -103.9f), Is.EqualTo(float.Epsilon));
        Assert.That(Of(VectorMath.Exp, -104f), Is.Zero);
        Assert.That(Of(VectorMath.Exp, float.MinValue), Is.Zero);
        Assert.That(Of(VectorMath.Exp, float.Epsilon), Is.EqualTo(1f));
        Assert.That(Of(VectorMath.Exp, float.NaN), Is.NaN);
    }

    [Test]
    public void LogIsWithinOneUlp() => AssertUlps(VectorMath.Log, Math.Log, float.Epsilon, float.MaxValue, 1.0);

    [Test]
    public void LogAtTheExtremes()
    {
        Assert.That(Of(VectorMath.Log, 1f), Is.Zero);
        Assert.That(Of(VectorMath.Log, 0f), Is.EqualTo(-Infinity));
        Assert.That(Of(VectorMath.Log, -0f), Is.EqualTo(-Infinity));
        Assert.That(Of(VectorMath.Log, Infinity), Is.EqualTo(Infinity));
        Assert.That(Of(VectorMath.Log, -1f), Is.NaN);
        Assert.That(Of(VectorMath.Log, -Infinity), Is.NaN);
        Assert.That(Of(VectorMath.Log, float.NaN), Is.NaN);
    }

    [Test]
    public void TanhIsWithinTwoUlps() => AssertUlps(VectorMath.Tanh, Math.Tanh, -12, 12, 2.0);

    [Test]
    public void TanhAtTheExtremes()
    {
        Assert.That(BitConverter.SingleToUInt32Bits(Of(VectorMath.Tanh, -0f)), Is.EqualTo(0x8000_0000));
        Assert.That(Of(VectorMath.Tanh, Infinity), Is.EqualTo(1f));
        Assert.That(Of(VectorMath.Tanh, -Infinity), Is.EqualTo(-1f));
        Assert.That(Of(VectorMath.Tanh, float.MaxValue), Is.EqualTo(1f));
        Assert.That(Of(VectorMath.Tanh, float.Epsilon), Is.EqualTo(float.Epsilon));
        Assert.That(Of(VectorMath.Tanh, float.NaN), Is.NaN);
    }

    [Test]
    public void GeluIsAsCloseAsItSays() => AssertError(Gelu<TVector>.Value, static x => x * Distribution(x), -30, 30, static (x, y, exact) => Math.Abs(y - exact) / Math.Max(1, Math.Abs(x)), 8e-8);

    [Test]
    public void GelusDerivativeIsAsCloseAsItSays() =>
        AssertError(Gelu<TVector>.Derivative, static x => Distribution(x) + x * Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI), -30, 30, static (_, y, exact) => Math.Abs(y - exact), 1.2e-7);

    [Test]
    public void GeluAtTheExtremes()
    {
        Assert.That(Of(Gelu<TVector>.Value, 0f), Is.Zero);
        Assert.That(Of(Gelu<TVector>.Value, Infinity), Is.EqualTo(Infinity));
        Assert.That(Of(Gelu<TVector>.Value, float.MaxValue), Is.EqualTo(float.MaxValue));
        Assert.That(Of(Gelu<TVector>.Value, float.MinValue), Is.Zero.Within(1e-20));
        Assert.That(Of(Gelu<TVector>.Value, float.NaN), Is.NaN);
        Assert.That(Of(Gelu<TVector>.Derivative, 0f), Is.EqualTo(0.5f));
        Assert.That(Of(Gelu<TVector>.Derivative, float.MaxValue), Is.EqualTo(1f));
        Assert.That(Of(Gelu<TVector>.Derivative, float.MinValue), Is.Zero.Within(1e-20));
        Assert.That(Of(Gelu<TVector>.Derivative, float.NaN), Is.NaN);
    }

    [Test]
    public void TheReferenceForErfIsRight()
    {
        // Abramowitz and Stegun, table 7.1.
        Assert.That(Erf(0.5), Is.EqualTo(0.5204998778).Within(1e-10));
        Assert.That(Erf(1.0), Is.EqualTo(0.8427007929).Within(1e-10));
        Assert.That(Erf(2.0), Is.EqualTo(0.9953222650).Within(1e-10));
    }

    [Test]
    public void TheFirstLanesAreLoadedAndStoredWithoutTouchingTheRest()
    {
        float* memory = stackalloc float[TVector.Count];
        float* copy = stackalloc float[TVector.Count];
        for (int count = 0; count <= TVector.Count; count++)
        {
            for (int i = 0; i < TVector.Count; i++)
            {
                memory[i] = i + 1;
                copy[i] = -1;
            }

            TVector loaded = TVector.LoadFirst(memory, count);
            Assert.That(TVector.Sum(loaded), Is.EqualTo(count * (count + 1) / 2));
            Assert.That(TVector.Largest(loaded), Is.EqualTo(count));
            TVector.StoreFirst(TVector.Load(memory), copy, count);
            for (int i = 0; i < TVector.Count; i++)
            {
                Assert.That(copy[i], Is.EqualTo(i < count ? i + 1 : -1));
            }
        }
    }

    private static float Of(Function function, float x)
    {
        float* result = stackalloc float[TVector.Count];
        TVector.Store(function(TVector.Broadcast(x)), result);
        for (int i = 1; i < TVector.Count; i++)
        {
            Assert.That(BitConverter.SingleToUInt32Bits(result[i]), Is.EqualTo(BitConverter.SingleToUInt32Bits(result[0])), "all lanes compute the same");
        }

        return result[0];
    }

    private static void AssertUlps(Function function, Func<double, double> reference, float least, float greatest, double limit) =>
        AssertError(function, reference, least, greatest, static (_, y, exact) => (float)exact == y ? 0.5 : UlpsBetween(y, exact), limit);

    /// <summary>Compares with double precision at every 251st float from the least to the greatest.</summary>
    private static void AssertError(Function function, Func<double, double> reference, float least, float greatest, Func<float, float, double, double> errorOf, double limit)
    {
        double worst = 0;
        float worstAt = 0;
        float* x = stackalloc float[TVector.Count];
        float* y = stackalloc float[TVector.Count];
        for (long first = Order(least); first <= Order(greatest); first += 251 * TVector.Count)
        {
            for (int i = 0; i < TVector.Count; i++)
            {
                x[i] = FromOrder(Math.Min(first + 251 * i, Order(greatest)));
            }

            TVector.Store(function(TVector.Load(x)), y);
            for (int i = 0; i < TVector.Count; i++)
            {
                double error = errorOf(x[i], y[i], reference(x[i]));
                if (!(error <= worst))
                {
                    worst = error;
                    worstAt = x[i];
                }
            }
        }

        TestContext.Out.WriteLine($"at most {worst:G4}, at {worstAt:R}");
        Assert.That(worst, Is.LessThanOrEqualTo(limit), $"at {worstAt:R}");
    }

    private static double UlpsBetween(float actual, double exact)
    {
        float below = MathF.BitDecrement(MathF.Min(MathF.Abs((float)exact), float.MaxValue));
        return Math.Abs(actual - exact) / Math.Max((double)MathF.BitIncrement(below) - below, float.Epsilon);
    }

    /// <summary>Floats numbered in ascending order.</summary>
    private static long Order(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return bits >= 0 ? bits : -(long)(bits & 0x7FFF_FFFF);
    }

    private static float FromOrder(long order) => order >= 0 ? BitConverter.Int32BitsToSingle((int)order) : -BitConverter.Int32BitsToSingle((int)-order);

    private static double Distribution(double x) => 0.5 * (1 + Erf(x / Math.Sqrt(2)));

    /// <summary>The error function to about 1e-15: its series where that converges fast, else the continued fraction of the complement.</summary>
    private static double Erf(double x)
    {
        if (Math.Abs(x) < 2.5)
        {
            double sum = 0;
            double power = x;
            for (int n = 0; Math.Abs(power) > 1e-17 * Math.Abs(x); n++)
            {
                sum += power / (2 * n + 1);
                power *= -x * x / (n + 1);
            }

            return sum * 2 / Math.Sqrt(Math.PI);
        }

        double magnitude = Math.Abs(x);
        double fraction = 0;
        for (int n = 40; n >= 1; n--)
        {
            fraction = n / 2.0 / (magnitude + fraction);
        }

        return Math.Sign(x) * (1 - Math.Exp(-magnitude * magnitude) / Math.Sqrt(Math.PI) / (magnitude + fraction));
    }
}
