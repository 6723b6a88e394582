namespace MnrEngine.Trainer.Commands;

/// <summary>Arithmetic on finished embeddings, in double precision.</summary>
internal static class Embeddings
{
    // torch.nn.functional.normalize divides by no less.
    private const double SmallestLength = 1e-12;

    /// <summary>Divides each row by its length.</summary>
    public static void Normalize(Span<float> rows, int dimension)
    {
        for (int first = 0; first < rows.Length; first += dimension)
        {
            Span<float> row = rows.Slice(first, dimension);
            double length = Math.Max(Math.Sqrt(Dot(row, row)), SmallestLength);
            foreach (ref float value in row)
            {
                value = (float)(value / length);
            }
        }
    }

    /// <summary>The cosine of the angle between two vectors.</summary>
    public static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b) =>
        Dot(a, b) / (Math.Max(Math.Sqrt(Dot(a, a)), SmallestLength) * Math.Max(Math.Sqrt(Dot(b, b)), SmallestLength));

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += (double)a[i] * b[i];
        }

        return sum;
    }
}
