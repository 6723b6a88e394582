namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>
/// Gradients by central differences in double precision: right to about 1e-9. Where an input has many elements a
/// sample of them is compared, drawn anew for each input but the same in every run.
/// </summary>
internal static class FiniteDifferences
{
    private const double Step = 1e-5;
    private const int Sample = 48;

    /// <summary>Compares an operation's gradient with the differences of the reference.</summary>
    /// <param name="objective">The reference's forward pass: the sum of its result times the incoming gradient.</param>
    /// <param name="input">The input in question, which <paramref name="objective"/> reads.</param>
    /// <param name="gradient">What the operation gave.</param>
    /// <param name="incoming">The incoming gradient.</param>
    /// <param name="what">The input's name.</param>
    public static void Check(Func<double> objective, Array2 input, Array2 gradient, Array2 incoming, string what)
    {
        int count = input.Values.Length;
        int[] elements = [.. Enumerable.Range(0, count)];
        if (count > Sample)
        {
            // The last element is always among them: it is where a row's remainder goes wrong.
            new Random(count).Shuffle(elements.AsSpan(0, count - 1));
            elements = [.. elements[..Sample], count - 1];
        }

        Array2 expected = new(1, elements.Length);
        Array2 actual = new(1, elements.Length);
        for (int i = 0; i < elements.Length; i++)
        {
            expected.Values[i] = Difference(objective, ref input.Values[elements[i]]);
            actual.Values[i] = gradient.Values[elements[i]];
        }

        // The share of the incoming gradient that falls to the sample.
        Array2 share = Array2.Filled(1, 1, incoming.Norm * Math.Sqrt((double)elements.Length / count));
        Close.Check(actual, expected, share, "gradient of " + what);
    }

    private static double Difference(Func<double> objective, ref double element)
    {
        double value = element;
        element = value + Step;
        double above = objective();
        element = value - Step;
        double below = objective();
        element = value;
        return (above - below) / (2 * Step);
    }
}
