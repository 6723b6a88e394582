using MnrEngine.Kernels.Tests.Operations;

namespace MnrEngine.Kernels.Tests.Cuda;

/// <summary>Backward passes in double precision, written down plainly, for whole gradients where finite differences would only do for a sample.</summary>
internal static class ReferenceGradients
{
    /// <summary>a b.</summary>
    public static Array2 Product(Array2 a, Array2 b)
    {
        Array2 result = new(a.Rows, b.Columns);
        for (int row = 0; row < a.Rows; row++)
        {
            for (int k = 0; k < a.Columns; k++)
            {
                double factor = a[row, k];
                for (int column = 0; column < b.Columns; column++)
                {
                    result[row, column] += factor * b[k, column];
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

    /// <summary>The context of attention and the gradient of queries, keys and values.</summary>
    /// <param name="lengths">Tokens of each sentence.</param>
    /// <param name="queryKeyValue">(n, 3 hidden).</param>
    /// <param name="heads">The number of heads.</param>
    /// <param name="factors">Dropout's factors.</param>
    /// <param name="dy">The context's gradient.</param>
    /// <param name="round">What is done to P and dS.</param>
    public static (Array2 Context, Array2 Gradient) Attention(int[] lengths, Array2 queryKeyValue, int heads, double[] factors, Array2 dy, Func<double, double> round)
    {
        int hidden = queryKeyValue.Columns / 3;
        int headDim = hidden / heads;
        Array2 context = new(queryKeyValue.Rows, hidden);
        Array2 gradient = new(queryKeyValue.Rows, queryKeyValue.Columns);
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
                Array2 p = Softmax(Product(q, Transposed(k)), scale);
                Array2 mask = new(length, length, factors[element..(element + (length * length))]);
                Array2 dropped = Apply(Reference.Multiply(p, mask), round);
                Array2 result = Product(dropped, v);
                Array2 dP = Reference.Multiply(Product(dContext, Transposed(v)), mask);
                Array2 dS = new(length, length);
                for (int row = 0; row < length; row++)
                {
                    double along = Enumerable.Range(0, length).Sum(i => dP[row, i] * p[row, i]);
                    for (int i = 0; i < length; i++)
                    {
                        dS[row, i] = round(p[row, i] * (dP[row, i] - along));
                    }
                }

                Add(context, result, first, head * headDim, 1);
                Add(gradient, Product(dS, k), first, head * headDim, scale);
                Add(gradient, Product(Transposed(dS), q), first, hidden + (head * headDim), scale);
                Add(gradient, Product(Transposed(dropped), dContext), first, (2 * hidden) + (head * headDim), 1);
                element += length * length;
            }

            first += length;
        }

        return (context, gradient);
    }

    private static Array2 Apply(Array2 values, Func<double, double> function) => new(values.Rows, values.Columns, Array.ConvertAll(values.Values, x => function(x)));

    private static Array2 Softmax(Array2 products, double scale)
    {
        Array2 result = new(products.Rows, products.Columns);
        for (int row = 0; row < products.Rows; row++)
        {
            double largest = Enumerable.Range(0, products.Columns).Max(i => products[row, i]);
            double sum = Enumerable.Range(0, products.Columns).Sum(i => Math.Exp(scale * (products[row, i] - largest)));
            for (int i = 0; i < products.Columns; i++)
            {
                result[row, i] = Math.Exp(scale * (products[row, i] - largest)) / sum;
            }
        }

        return result;
    }

    private static Array2 Part(Array2 whole, int firstRow, int rows, int firstColumn, int columns)
    {
        Array2 result = new(rows, columns);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                result[row, column] = whole[firstRow + row, firstColumn + column];
            }
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
