using NUnit.Framework;

namespace MnrEngine.Testing;

/// <summary>How right is right: errors as norms against norms of float64 references.</summary>
public static class Closeness
{
    /// <summary>The tolerance of single precision.</summary>
    public const double Float32 = 1e-5;

    /// <summary>The Euclidean norm.</summary>
    public static double Norm(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += (double)value * value;
        }

        return Math.Sqrt(sum);
    }

    /// <summary>The norm of the difference of two arrays.</summary>
    public static double Distance(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        Assert.That(actual.Length, Is.EqualTo(expected.Length));
        double sum = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            double difference = (double)actual[i] - expected[i];
            sum += difference * difference;
        }

        return Math.Sqrt(sum);
    }

    /// <summary>Fails unless ||actual - expected|| is at most <paramref name="tolerance"/> * max(||expected||, <paramref name="floor"/>).</summary>
    /// <param name="what">What is compared, for the failure's message.</param>
    /// <param name="actual">What the engine gave.</param>
    /// <param name="expected">What the reference gave.</param>
    /// <param name="floor">A hundredth of the norm of what went in, so that results near zero are judged by the size of their terms.</param>
    /// <param name="tolerance">The relative error allowed.</param>
    public static void AssertClose(string what, ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, double floor = 0, double tolerance = Float32)
    {
        double error = Distance(actual, expected);
        double allowed = tolerance * Math.Max(Norm(expected), floor);
        Assert.That(error, Is.LessThanOrEqualTo(allowed), $"{what}: ||error|| where ||expected|| is {Norm(expected):G6}");
    }
}
