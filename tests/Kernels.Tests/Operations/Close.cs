using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The one tolerance of the operations: the error's norm is at most 1e-5 of the reference's, or of 1e-2 of what came in where that is more.</summary>
internal static class Close
{
    public const double Tolerance = 1e-5;

    /// <param name="actual">What the operation gave.</param>
    /// <param name="expected">The reference.</param>
    /// <param name="incoming">The input, or for a gradient the incoming gradient.</param>
    /// <param name="what">What is compared, for the message.</param>
    public static void Check(Array2 actual, Array2 expected, Array2 incoming, string what)
    {
        Assert.That((actual.Rows, actual.Columns), Is.EqualTo((expected.Rows, expected.Columns)), what);
        double error = 0;
        for (int i = 0; i < expected.Values.Length; i++)
        {
            double difference = actual.Values[i] - expected.Values[i];
            error += difference * difference;
        }

        double scale = Math.Max(expected.Norm, 1e-2 * incoming.Norm);
        Assert.That(Math.Sqrt(error), Is.LessThanOrEqualTo(Tolerance * scale), $"{what}: error relative to {scale:g4}");
    }
}
