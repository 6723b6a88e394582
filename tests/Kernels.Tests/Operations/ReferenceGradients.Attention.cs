namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Attention's.</summary>
internal static partial class ReferenceGradients
{
    /// <summary>What attention gives forward and backward.</summary>
    /// <param name="Context">(n, hidden).</param>
    /// <param name="LogSumExp">(n, heads).</param>
    /// <param name="Gradient">Of queries, keys and values.</param>
    /// <param name="BiasGradient">Shaped as the bias, if there is one.</param>
    public sealed record AttentionResults(Array2 Context, Array2 LogSumExp, Array2 Gradient, Array2? BiasGradient);

    /// <summary>Attention and its gradients.</summary>
    /// <param name="lengths">Tokens of each sentence.</param>
    /// <param name="queryKeyValue">(n, 3 hidden).</param>
    /// <param name="heads">The number of heads.</param>
    /// <param name="bias">(heads * L, L), or null.</param>
    /// <param name="factors">Dropout's factors.</param>
    /// <param name="dy">The context's gradient.</param>
    /// <param name="round">What is done to P (behind dropout) and dS.</param>
    public static AttentionResults Attention(int[] lengths, Array2 queryKeyValue, int heads, Array2? bias, double[] factors, Array2 dy, Func<double, double> round)
    {
        int hidden = queryKeyValue.Columns / 3;
        int headDim = hidden / heads;
        Array2 context = new(queryKeyValue.Rows, hidden);
        Array2 logSumExp = new(queryKeyValue.Rows, heads);
        Array2 gradient = new(queryKeyValue.Rows, queryKeyValue.Columns);
        Array2? biasGradient = bias is null ? null : new Array2(bias.Rows, bias.Columns);
        double scale = 1 / Math.Sqrt(headDim);
        int first = 0;
        int element = 0;
        foreach (int length in lengths)
        {
            for (int head = 0; head < heads; head++)
            {
                Array2 q = Part(queryKeyValue, first, length, head * headDim, headDim);
                Array2 k = Part(queryKeyValue, first, length, hidden + (head * headDim), headDim);
                Array2 v = Part(queryKeyValue, first, length, (2 * hidden) + (head * headDim), headDim);
                Array2 dContext = Part(dy, first, length, head * headDim, headDim);
                Array2 scores = Apply(Product(q, Transposed(k)), x => x * scale);
                if (bias is not null)
                {
                    scores = Reference.Add(scores, Part(bias, head * bias.Columns, length, 0, length));
                }

                Array2 p = Softmax(scores, out double[] logSums);
                Array2 mask = new(length, length, factors[element..(element + (length * length))]);
                Array2 dropped = Apply(Reference.Multiply(p, mask), round);
                Array2 dP = Reference.Multiply(Product(dContext, Transposed(v)), mask);
                Array2 dS = new(length, length);
                for (int row = 0; row < length; row++)
                {
                    logSumExp[first + row, head] = logSums[row];
                    double along = Enumerable.Range(0, length).Sum(i => dP[row, i] * p[row, i]);
                    for (int i = 0; i < length; i++)
                    {
                        dS[row, i] = round(p[row, i] * (dP[row, i] - along));
                    }
                }

                Add(context, Product(dropped, v), first, head * headDim, 1);
                Add(gradient, Product(dS, k), first, head * headDim, scale);
                Add(gradient, Product(Transposed(dS), q), first, hidden + (head * headDim), scale);
                Add(gradient, Product(Transposed(dropped), dContext), first, (2 * hidden) + (head * headDim), 1);
                if (biasGradient is not null)
                {
                    Add(biasGradient, dS, head * biasGradient.Columns, 0, 1);
                }

                element += length * length;
            }

            first += length;
        }

        return new AttentionResults(context, logSumExp, gradient, biasGradient);
    }

    private static Array2 Apply(Array2 values, Func<double, double> function) => new(values.Rows, values.Columns, Array.ConvertAll(values.Values, x => function(x)));

    private static Array2 Softmax(Array2 scores, out double[] logSums)
    {
        logSums = new double[scores.Rows];
        for (int row = 0; row < scores.Rows; row++)
        {
            double[] values = scores.Row(row).ToArray();
            double largest = values.Max();
            logSums[row] = largest + Math.Log(values.Sum(value => Math.Exp(value - largest)));
        }

        double[] sums = logSums;
        return new Array2(scores.Rows, scores.Columns, [.. scores.Values.Select((value, i) => Math.Exp(value - sums[i / scores.Columns]))]);
    }

    private static Array2 Part(Array2 whole, int firstRow, int rows, int firstColumn, int columns)
    {
        Array2 result = new(rows, columns);
        for (int row = 0; row < rows; row++)
        {
            whole.Row(firstRow + row).Slice(firstColumn, columns).CopyTo(result.Row(row));
        }

        return result;
    }

    private static void Add(Array2 whole, Array2 part, int firstRow, int firstColumn, double factor)
    {
        for (int row = 0; row < part.Rows; row++)
        {
            for (int column = 0; column < part.Columns; column++)
            {
                whole[firstRow + row, firstColumn + column] += factor * part[row, column];
            }
        }
    }
}
