using MnrEngine.Kernels.Cpu;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cpu;

[TestFixture(typeof(FloatPortable))]
[TestFixture(typeof(Float256))]
[TestFixture(typeof(Float512))]
internal sealed unsafe class GemmTests<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    /// <summary>Rows, columns, depth: single elements, below, at and above the register tile, the row block and the depth block; several rectangles that share panels, rows a page apart.</summary>
    private static readonly (int Rows, int Columns, int Depth)[] Shapes =
    [
        (1, 1, 1), (1, 384, 384), (2, 3, 5), (5, 33, 7), (6, 16, 64), (7, 17, 3), (12, 32, 384), (13, 31, 385),
        (16, 16, 128), (24, 64, 769), (37, 100, 50), (230, 40, 31), (433, 65, 97), (40, 500, 1283), (1, 7, 2000), (300, 96, 400), (25, 64, 1024),
    ];

    private CpuThreads _threads = null!;

    [OneTimeSetUp]
    public void StartThreads()
    {
        Assume.That(CpuInstructionSets.IsSupported(TVector.InstructionSet), "the machine has these instructions");
        _threads = new CpuThreads(2);
    }

    [OneTimeTearDown]
    public void StopThreads() => _threads?.Dispose();

    [Test]
    public void AProductAgreesWithDoublePrecision(
        [ValueSource(nameof(Shapes))] (int Rows, int Columns, int Depth) shape,
        [Values] bool transposeLeft,
        [Values] bool transposeRight,
        [Values] bool accumulate)
    {
        using Product product = new(shape, transposeLeft, transposeRight);
        float[] before = product.Result.ToArray();
        using Gemm<TVector> gemm = new(_threads);
        gemm.Multiply(product.Left, product.Right, product.ResultView, accumulate);
        product.AssertResult(accumulate ? before : null);
    }

    [Test]
    public void APackedMatrixGivesTheSameProductAsAPlainOne([ValueSource(nameof(Shapes))] (int Rows, int Columns, int Depth) shape, [Values] bool transposeRight)
    {
        using Product product = new(shape, transposeLeft: false, transposeRight);
        using Gemm<TVector> gemm = new(_threads);
        gemm.Multiply(product.Left, product.Right, product.ResultView);
        float[] plain = product.Result.ToArray();

        using PackedMatrix<TVector> packed = new();
        packed.Pack(new MatrixView(product.Left.Data, 1, 1), _threads);
        packed.Pack(product.Right, _threads);
        gemm.Multiply(product.Left, packed, product.ResultView, accumulate: false, null, default(NoEpilogue));
        Assert.That(product.Result.ToArray(), Is.EqualTo(plain));
    }

    [Test]
    public void TheResultIsTheSameBitForBitWithAnyNumberOfThreads(
        [ValueSource(nameof(Shapes))] (int Rows, int Columns, int Depth) shape,
        [Values] bool transposeLeft,
        [Values] bool transposeRight)
    {
        using Product product = new(shape, transposeLeft, transposeRight);
        float[]? first = null;
        foreach (int count in (int[])[1, 2, 3, 5, 8])
        {
            using CpuThreads threads = new(count);
            using Gemm<TVector> gemm = new(threads);
            gemm.Multiply(product.Left, product.Right, product.ResultView);
            first ??= product.Result.ToArray();
            Assert.That(product.Result.ToArray(), Is.EqualTo(first), $"{count} threads");
        }
    }

    [Test]
    public void TheEpilogueSeesEveryElementOnceWithItsRowAndColumn([ValueSource(nameof(Shapes))] (int Rows, int Columns, int Depth) shape)
    {
        using Product product = new(shape, transposeLeft: false, transposeRight: true);
        using Gemm<TVector> gemm = new(_threads);
        gemm.Multiply(product.Left, product.Right, product.ResultView);
        float[] plain = product.Result.ToArray();

        gemm.Multiply(product.Left, product.Right, product.ResultView, accumulate: false, null, new AddNumber(shape.Columns));
        float[] expected = [.. plain.Select((value, element) => value + element)];
        Assert.That(product.Result.ToArray(), Is.EqualTo(expected));
    }

    [Test]
    public void ABiasIsAddedToEveryRow([ValueSource(nameof(Shapes))] (int Rows, int Columns, int Depth) shape, [Values] bool accumulate)
    {
        using Product product = new(shape, transposeLeft: false, transposeRight: true);
        float[] before = product.Result.ToArray();
        using Gemm<TVector> gemm = new(_threads);
        float[] bias = [.. Enumerable.Range(1, shape.Columns).Select(i => (float)i / shape.Columns)];
        fixed (float* pointer = bias)
        {
            gemm.Multiply(product.Left, product.Right, product.ResultView, accumulate, pointer, default(NoEpilogue));
        }

        product.AssertResult(accumulate ? before : null, bias);
    }

    [TestCase(7, 40, 11)]
    [TestCase(25, 64, 11)]
    public void MatricesMayBePartsOfLargerOnes(int rows, int columns, int depth)
    {
        // Inside buffers whose rows are 100 long; what lies around the result stays.
        const int Stride = 100;
        const int Size = 64 * Stride;
        using NativeBuffer memory = new(4 * Size * sizeof(float));
        Random random = new(1);
        for (int i = 0; i < 4 * Size; i++)
        {
            memory.Floats[i] = random.NextSingle();
        }

        float[] before = new Span<float>(memory.Floats, 4 * Size).ToArray();
        MatrixView plain = new(memory.Floats + 3, rows, depth, Stride);
        MatrixView transposed = new MatrixView(memory.Floats + Size + 7, depth, rows, Stride).Transposed;
        MatrixView right = new(memory.Floats + 2 * Size + 5, depth, columns, Stride);
        MatrixView result = new(memory.Floats + 3 * Size + 9, rows, columns, Stride);
        using Gemm<TVector> gemm = new(_threads);
        foreach (MatrixView left in (MatrixView[])[plain, transposed])
        {
            gemm.Multiply(left, right, result);
            for (int i = 0; i < before.Length; i++)
            {
                int row = (i - 3 * Size - 9) / Stride;
                int column = (i - 3 * Size - 9) % Stride;
                bool isResult = i >= 3 * Size + 9 && row < rows && column < columns;
                double expected = isResult ? Enumerable.Range(0, depth).Sum(k => (double)*left.At(row, k) * *right.At(k, column)) : before[i];
                double error = Math.Abs(memory.Floats[i] - expected);
                if (error > (isResult ? 1e-5 : 0))
                {
                    Assert.Fail($"element {i} is {memory.Floats[i]} instead of {expected}");
                }
            }
        }
    }

    [Test]
    public void NothingIsLeftOfTheProductBefore([Values] bool transposeFirst)
    {
        // Of the same shape, so that the panels lie in the same places.
        using Product first = new((40, 64, 500), transposeLeft: false, transposeFirst);
        using Product second = new((40, 64, 500), transposeLeft: true, transposeRight: false, seed: 7);
        using Product third = new((40, 96, 500), transposeLeft: true, transposeRight: true);
        using Gemm<TVector> gemm = new(_threads);
        foreach (Product product in (Product[])[first, second, first, third, second])
        {
            gemm.Multiply(product.Left, product.Right, product.ResultView);
            product.AssertResult(before: null);
        }
    }

    [Test]
    public void APanelIsPackedByTheFirstThatTakesItAndReadFromTheMatrixUntilThen()
    {
        int columns = 2 * GemmKernel<TVector>.Columns;
        using Product product = new((1, columns, 5), transposeLeft: false, transposeRight: false);
        using PackedMatrix<TVector> packed = new();
        GemmBlocking blocking = new(5);

        packed.PackWhenRead(product.Right, _threads);
        OperandPanel taken = packed.Take(blocking, 0, 1);
        OperandPanel other = packed.Take(blocking, 0, 1);
        bool wasPacked = packed.IsPacked(0, 1);
        packed.SetPacked(0, 1);
        OperandPanel after = packed.Take(blocking, 0, 1);

        Assert.Multiple(() =>
        {
            Assert.That((long)taken.Data, Is.EqualTo((long)product.Right.At(0, columns / 2)));
            Assert.That((long)taken.Copy, Is.Not.Zero);
            Assert.That((long)other.Data, Is.EqualTo((long)taken.Data));
            Assert.That(other.Stride, Is.EqualTo((nint)columns));
            Assert.That((long)other.Copy, Is.Zero, "one packs it");
            Assert.That(wasPacked, Is.False);
            Assert.That(after.IsPacked);
            Assert.That((long)after.Data, Is.EqualTo((long)taken.Copy));
            Assert.That(packed.IsPacked(0, 0), Is.False, "the others stay as they are");
        });
    }

    [Test]
    public void RepeatedProductsAllocateNothing([Values] bool transposeRight)
    {
        using Product product = new((50, 64, 400), transposeLeft: false, transposeRight);
        using Gemm<TVector> gemm = new(_threads);
        gemm.Multiply(product.Left, product.Right, product.ResultView);
        long before = AllocatedBytes.Of(_threads);
        for (int repeat = 0; repeat < 200; repeat++)
        {
            gemm.Multiply(product.Left, product.Right, product.ResultView);
        }

        Assert.That(AllocatedBytes.Of(_threads), Is.EqualTo(before));
    }

    /// <summary>Operands in random numbers and room for the result, which holds numbers too.</summary>
    private sealed class Product : IDisposable
    {
        private readonly NativeBuffer _left;
        private readonly NativeBuffer _right;
        private readonly NativeBuffer _result;

        public Product((int Rows, int Columns, int Depth) shape, bool transposeLeft, bool transposeRight, int seed = 0)
        {
            // Not the shape's hash code, which is another in every process.
            Random random = new((shape.Rows * 1009 + shape.Columns) * 1009 + shape.Depth + seed);
            _left = Fill(shape.Rows * shape.Depth, random);
            _right = Fill(shape.Depth * shape.Columns, random);
            _result = Fill(shape.Rows * shape.Columns, random);
            Left = transposeLeft ? new MatrixView(_left.Floats, shape.Depth, shape.Rows).Transposed : new MatrixView(_left.Floats, shape.Rows, shape.Depth);
            Right = transposeRight ? new MatrixView(_right.Floats, shape.Columns, shape.Depth).Transposed : new MatrixView(_right.Floats, shape.Depth, shape.Columns);
            ResultView = new MatrixView(_result.Floats, shape.Rows, shape.Columns);
        }

        public MatrixView Left { get; }

        public MatrixView Right { get; }

        public MatrixView ResultView { get; }

        public Span<float> Result => new(ResultView.Data, ResultView.Rows * ResultView.Columns);

        /// <summary>Compares with the sum in double precision, plus what was there before and the column's bias.</summary>
        public void AssertResult(float[]? before, float[]? bias = null)
        {
            double worst = 0;
            (int, int) worstAt = default;
            for (int row = 0; row < ResultView.Rows; row++)
            {
                for (int column = 0; column < ResultView.Columns; column++)
                {
                    double sum = before?[row * ResultView.Columns + column] ?? 0;
                    double magnitude = Math.Abs(sum);
                    if (bias is not null)
                    {
                        sum += bias[column];
                        magnitude += Math.Abs(bias[column]);
                    }

                    for (int k = 0; k < Left.Columns; k++)
                    {
                        double term = (double)*Left.At(row, k) * *Right.At(k, column);
                        sum += term;
                        magnitude += Math.Abs(term);
                    }

                    double error = Math.Abs(*ResultView.At(row, column) - sum) / magnitude;
                    if (!(error <= worst))
                    {
                        worst = error;
                        worstAt = (row, column);
                    }
                }
            }

            // Relative to the sum of magnitudes: roundings of a sum of n terms add up like a random walk, far below n * 6e-8.
            Assert.That(worst, Is.LessThan(1e-6), $"at {worstAt}");
        }

        public void Dispose()
        {
            _left.Dispose();
            _right.Dispose();
            _result.Dispose();
        }

        private static NativeBuffer Fill(int count, Random random)
        {
            NativeBuffer buffer = new((nuint)count * sizeof(float));
            for (int i = 0; i < count; i++)
            {
                buffer.Floats[i] = random.NextSingle() * 2 - 1;
            }

            return buffer;
        }
    }

    /// <summary>Adds each element's number in row-major order.</summary>
    private readonly struct AddNumber(int width) : IGemmEpilogue
    {
        public void Apply(float* piece, nint stride, int row, int column, int rows, int columns)
        {
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < columns; j++)
                {
                    piece[i * stride + j] += (row + i) * width + column + j;
                }
            }
        }
    }
}
