namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>A matrix in double precision, row-major: what references are computed with.</summary>
internal sealed class Array2(int rows, int columns, double[] values)
{
    public Array2(int rows, int columns)
        : this(rows, columns, new double[rows * columns])
    {
    }

    public int Rows { get; } = rows;

    public int Columns { get; } = columns;

    public double[] Values { get; } = values;

    public double Norm => Math.Sqrt(Values.Sum(value => value * value));

    public double this[int row, int column]
    {
        get => Values[row * Columns + column];
        set => Values[row * Columns + column] = value;
    }

    /// <summary>Numbers that floats hold exactly, so that reference and operation start from the same.</summary>
    public static Array2 Random(int rows, int columns, Random random, double scale = 1)
    {
        Array2 result = new(rows, columns);
        for (int i = 0; i < result.Values.Length; i++)
        {
            double u = 1 - random.NextDouble();
            result.Values[i] = (float)(scale * Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return result;
    }

    public static Array2 Filled(int rows, int columns, double value)
    {
        Array2 result = new(rows, columns);
        Array.Fill(result.Values, value);
        return result;
    }

    public static Array2 Identity(int size)
    {
        Array2 result = new(size, size);
        for (int i = 0; i < size; i++)
        {
            result[i, i] = 1;
        }

        return result;
    }

    public Span<double> Row(int row) => Values.AsSpan(row * Columns, Columns);

    public float[] Floats() => Array.ConvertAll(Values, value => (float)value);

    public Array2 Copy() => new(Rows, Columns, [.. Values]);

    public Array2 RowsOf(int first, int count) => new(count, Columns, Values[(first * Columns)..((first + count) * Columns)]);
}
