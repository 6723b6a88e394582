namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Sums over any number of rows to a handful of numbers, in double precision: the gradients of a layer of a few weights. One number may be much smaller than its terms, and in single precision
/// nothing of it need then be right; of many numbers few are. So it is where the CUDA implementation does the same (Native/small_product.cuh).
/// </summary>
internal static unsafe class ExactSums
{
    /// <summary>The numbers up to which it is done.</summary>
    public const int MostElements = 64;

    /// <summary>result = left * right, or with <paramref name="accumulate"/> result += left * right.</summary>
    /// <param name="left">(m, k).</param>
    /// <param name="right">(k, n).</param>
    /// <param name="result">(m, n), of at most <see cref="MostElements"/>.</param>
    /// <param name="accumulate">Whether to add to what is there.</param>
    public static void Product(MatrixView left, MatrixView right, MatrixView result, bool accumulate)
    {
        double* sums = stackalloc double[MostElements];
        new Span<double>(sums, MostElements).Clear();
        for (int k = 0; k < left.Columns; k++)
        {
            for (int row = 0; row < result.Rows; row++)
            {
                double factor = *left.At(row, k);
                for (int column = 0; column < result.Columns; column++)
                {
                    sums[(row * result.Columns) + column] += factor * *right.At(k, column);
                }
            }
        }

        for (int i = 0; i < result.Rows * result.Columns; i++)
        {
            float* element = result.At(i / result.Columns, i % result.Columns);
            *element = (float)(sums[i] + (accumulate ? *element : 0));
        }
    }

    /// <summary>The sums of a matrix's columns, of which there are at most <see cref="MostElements"/>.</summary>
    public static void Columns(MatrixView matrix, float* sums, bool accumulate)
    {
        for (int column = 0; column < matrix.Columns; column++)
        {
            double sum = accumulate ? sums[column] : 0;
            for (int row = 0; row < matrix.Rows; row++)
            {
                sum += *matrix.At(row, column);
            }

            sums[column] = (float)sum;
        }
    }
}
