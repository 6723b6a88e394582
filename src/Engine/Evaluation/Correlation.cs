namespace MnrEngine.Evaluation;

/// <summary>Correlation coefficients as scipy.stats computes them, in double precision.</summary>
public static class Correlation
{
    /// <summary>
    /// Pearson's r (<c>scipy.stats.pearsonr</c>): the cosine of the angle between the two centred vectors, within [-1, 1]. NaN when
    /// either is constant or holds a NaN.
    /// </summary>
    /// <exception cref="ArgumentException">The two differ in length or have fewer than two values.</exception>
    public static double Pearson(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check(x, y);
        if (IsConstant(x) || IsConstant(y))
        {
            return double.NaN;
        }

        double[] centredX = Centred(x, out double lengthX);
        double[] centredY = Centred(y, out double lengthY);
        double r = 0;
        for (int i = 0; i < x.Length; i++)
        {
            // Scaled before multiplying, so that neither very large nor very small values overflow or vanish.
            r += centredX[i] / lengthX * (centredY[i] / lengthY);
        }

        return Math.Clamp(r, -1, 1);
    }

    /// <summary>Spearman's rho (<c>scipy.stats.spearmanr</c>): Pearson's r of the ranks, where ties share the average of theirs. NaN as for <see cref="Pearson"/>.</summary>
    /// <exception cref="ArgumentException">The two differ in length or have fewer than two values.</exception>
    public static double Spearman(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check(x, y);
        foreach (double value in x)
        {
            if (double.IsNaN(value))
            {
                return double.NaN;
            }
        }

        foreach (double value in y)
        {
            if (double.IsNaN(value))
            {
                return double.NaN;
            }
        }

        return Pearson(Ranks(x), Ranks(y));
    }

    /// <summary>The rank of each value, from 1; equal values have the average of the ranks they take up together.</summary>
    public static double[] Ranks(ReadOnlySpan<double> values)
    {
        double[] sorted = values.ToArray();
        int[] positions = new int[sorted.Length];
        for (int i = 0; i < positions.Length; i++)
        {
            positions[i] = i;
        }

        Array.Sort(sorted, positions);
        double[] ranks = new double[sorted.Length];
        int end;
        for (int start = 0; start < sorted.Length; start = end)
        {
            end = start + 1;
            while (end < sorted.Length && sorted[end] == sorted[start])
            {
                end++;
            }

            foreach (int position in positions.AsSpan(start, end - start))
            {
                ranks[position] = (start + 1 + end) / 2.0;
            }
        }

        return ranks;
    }

    private static void Check(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        if (x.Length != y.Length || x.Length < 2)
        {
            throw new ArgumentException($"a correlation needs two equally long lists of at least 2 values, not {x.Length} and {y.Length}", nameof(y));
        }
    }

    private static bool IsConstant(ReadOnlySpan<double> values) => values.IndexOfAnyExcept(values[0]) < 0;

    private static double[] Centred(ReadOnlySpan<double> values, out double length)
    {
        double sum = 0;
        foreach (double value in values)
        {
            sum += value;
        }

        double mean = sum / values.Length;
        double[] centred = new double[values.Length];
        double largest = 0;
        for (int i = 0; i < values.Length; i++)
        {
            centred[i] = values[i] - mean;
            largest = Math.Max(largest, Math.Abs(centred[i]));
        }

        double squares = 0;
        foreach (double value in centred)
        {
            squares += value / largest * (value / largest);
        }

        length = largest * Math.Sqrt(squares);
        return centred;
    }
}
