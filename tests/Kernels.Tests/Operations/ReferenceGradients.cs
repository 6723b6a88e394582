namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Backward passes in double precision, written down plainly, for whole gradients where finite differences would only do for a sample.</summary>
internal static partial class ReferenceGradients
{
    /// <summary>a b.</summary>
    public static Array2 Product(Array2 a, Array2 b)
    {
        Array2 result = new(a.Rows, b.Columns);
        for (int row = 0; row < a.Rows; row++)
        {
            Span<double> sums = result.Row(row);
            for (int k = 0; k < a.Columns; k++)
            {
                double factor = a[row, k];
                ReadOnlySpan<double> terms = b.Row(k);
                for (int column = 0; column < sums.Length; column++)
                {
                    sums[column] += factor * terms[column];
                }
            }
        }

        return result;
    }

    public static Array2 Transposed(Array2 matrix)
    {
        Array2 result = new(matrix.Columns, matrix.Rows);
        for (int row = 0; row < matrix.Rows; row++)
        {
            for (int column = 0; column < matrix.Columns; column++)
            {
                result[column, row] = matrix[row, column];
            }
        }

        return result;
    }

    public static Array2 ColumnSums(Array2 matrix) => Product(Array2.Filled(1, matrix.Rows, 1), matrix);

    /// <summary>dy f'(z).</summary>
    public static Array2 Activation(Array2 z, Array2 dy, Activation activation)
    {
        const double Step = 1e-6;
        Array2 slopes = new(z.Rows, z.Columns, Array.ConvertAll(z.Values, x => (Reference.Activate(x + Step, activation) - Reference.Activate(x - Step, activation)) / (2 * Step)));
        return Reference.Multiply(dy, slopes);
    }

    /// <summary>dx of LayerNorm, from what the forward pass saved.</summary>
    public static Array2 LayerNorm(Array2 normalized, Array2 inverseDeviation, Array2 weight, Array2 dy)
    {
        int columns = dy.Columns;
        Array2 result = new(dy.Rows, columns);
        for (int row = 0; row < dy.Rows; row++)
        {
            double mean = Enumerable.Range(0, columns).Average(i => dy[row, i] * weight[0, i]);
            double along = Enumerable.Range(0, columns).Average(i => dy[row, i] * weight[0, i] * normalized[row, i]);
            for (int i = 0; i < columns; i++)
            {
                result[row, i] = inverseDeviation[row, 0] * ((dy[row, i] * weight[0, i]) - mean - (normalized[row, i] * along));
            }
        }

        return result;
    }

    /// <summary>(x - mean) / deviation and 1 / deviation.</summary>
    public static (Array2 Normalized, Array2 InverseDeviation) Normalize(Array2 input, double epsilon)
    {
        Array2 inverse = new(input.Rows, 1);
        for (int row = 0; row < input.Rows; row++)
        {
            double mean = Enumerable.Range(0, input.Columns).Average(i => input[row, i]);
            inverse[row, 0] = 1 / Math.Sqrt(Enumerable.Range(0, input.Columns).Average(i => (input[row, i] - mean) * (input[row, i] - mean)) + epsilon);
        }

        return (Reference.LayerNorm(input, Array2.Filled(1, input.Columns, 1), new Array2(1, input.Columns), epsilon), inverse);
    }

    /// <summary>The gradients of LayerNorm's weight and bias.</summary>
    public static (Array2 Weight, Array2 Bias) NormParameters(Array2 normalized, Array2 dy) => (ColumnSums(Reference.Multiply(dy, normalized)), ColumnSums(dy));

    /// <summary>The gradient of a table of which each row of an output is one.</summary>
    /// <param name="rows">The gradient of the output.</param>
    /// <param name="places">The table's row that each is.</param>
    /// <param name="count">The table's rows.</param>
    public static Array2 Gathered(Array2 rows, int[] places, int count)
    {
        Array2 result = new(count, rows.Columns);
        for (int row = 0; row < rows.Rows; row++)
        {
            Span<double> sums = result.Row(places[row]);
            for (int column = 0; column < sums.Length; column++)
            {
                sums[column] += rows[row, column];
            }
        }

        return result;
    }
}
