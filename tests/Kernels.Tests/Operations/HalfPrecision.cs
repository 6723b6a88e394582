using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>
/// How right an operation on bf16 is: its error is at most twice that of the same operation in double precision with inputs and outputs, and in attention P and dS, rounded to bf16.
/// </summary>
internal static class HalfPrecision
{
    /// <summary>The nearest bf16, ties to even.</summary>
    public static double Round(double value)
    {
        uint bits = BitConverter.SingleToUInt32Bits((float)value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }

    public static Array2 Round(Array2 values) => new(values.Rows, values.Columns, Array.ConvertAll(values.Values, Round));

    /// <summary>Compares a result; one that rounding does not change is held to single precision's tolerance.</summary>
    /// <param name="actual">What the operation gave.</param>
    /// <param name="exact">The reference.</param>
    /// <param name="rounded">The reference with inputs, outputs, P and dS rounded, and nothing else.</param>
    /// <param name="incoming">The input, or for a gradient the incoming gradient.</param>
    /// <param name="what">What is compared.</param>
    public static void Check(Array2 actual, Array2 exact, Array2 rounded, Array2 incoming, string what)
    {
        double allowed = 2 * Distance(rounded, exact);
        if (allowed == 0)
        {
            Close.Check(actual, exact, incoming, what);
            return;
        }

        Assert.That((actual.Rows, actual.Columns), Is.EqualTo((exact.Rows, exact.Columns)), what);
        Assert.That(Distance(actual, exact), Is.LessThanOrEqualTo(allowed), what);
    }

    private static double Distance(Array2 left, Array2 right) => Math.Sqrt(left.Values.Zip(right.Values, static (a, b) => (a - b) * (a - b)).Sum());
}
