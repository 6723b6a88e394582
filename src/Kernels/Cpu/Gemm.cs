using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Matrix products in fp32 on all threads: packed panels, blocks sized for the caches, one register-tile kernel (K. Goto and R. van de
/// Geijn, "Anatomy of high-performance matrix multiplication", 2008).
/// </summary>
/// <remarks>
/// The threads divide the result, never a sum: each element is summed block of k after block of k, each block in the order of k, so it
/// comes out bit for bit the same whatever the number of threads. Working memory is kept and reused. One product at a time.
/// </remarks>
internal sealed unsafe class Gemm<TVector>(CpuThreads threads) : IDisposable
    where TVector : struct, IFloatVector<TVector>
{
    /// <summary>Rows of the left operand that all panels of the right one pass at a time: with <see cref="GemmBlocking.MaxDepth"/> 330 KB for AVX-512, a part of the second-level cache.</summary>
    private const int MaxBlockRows = 216;

    /// <summary>Elements of a page, the distance at which addresses share a place in the first-level cache.</summary>
    private const int PageFloats = 1024;

    private readonly PackedMatrix<TVector> _right = new();
    private NativeBuffer? _left;

    /// <summary>result = left * right, or with <paramref name="accumulate"/> result += left * right.</summary>
    /// <param name="left">(m, k).</param>
    /// <param name="right">(k, n).</param>
    /// <param name="result">(m, n), not transposed; overlaps no operand.</param>
    /// <param name="accumulate">Whether to add to what is there.</param>
    public void Multiply(MatrixView left, MatrixView right, MatrixView result, bool accumulate = false) =>
        Multiply(left, right, result, accumulate, null, default(NoEpilogue));

    /// <inheritdoc cref="Multiply{TEpilogue}(MatrixView, PackedMatrix{TVector}, MatrixView, bool, float*, in TEpilogue)"/>
    public void Multiply<TEpilogue>(MatrixView left, MatrixView right, MatrixView result, bool accumulate, float* bias, in TEpilogue epilogue)
        where TEpilogue : struct, IGemmEpilogue
    {
        _right.PackWhenRead(right, threads);
        Multiply(left, _right, result, accumulate, bias, epilogue);
    }

    /// <summary>result = epilogue(bias + left * right), or with <paramref name="accumulate"/> epilogue(result + bias + left * right).</summary>
    /// <param name="left">(m, k).</param>
    /// <param name="right">(k, n).</param>
    /// <param name="result">(m, n), not transposed; overlaps no operand.</param>
    /// <param name="accumulate">Whether to add to what is there.</param>
    /// <param name="bias">(n,), added to every row; null for none.</param>
    /// <param name="epilogue">What is done with each piece of the result.</param>
    public void Multiply<TEpilogue>(MatrixView left, PackedMatrix<TVector> right, MatrixView result, bool accumulate, float* bias, in TEpilogue epilogue)
        where TEpilogue : struct, IGemmEpilogue
    {
        if (left.Columns == 0)
        {
            throw new ArgumentException("a matrix product needs a depth of at least 1", nameof(left));
        }

        GemmGrid grid = GemmGrid.Choose(
            (left.Rows + GemmKernel<TVector>.Rows - 1) / GemmKernel<TVector>.Rows,
            (right.Columns + GemmKernel<TVector>.Columns - 1) / GemmKernel<TVector>.Columns,
            threads.Count);
        long packedLeft = (long)MaxBlockRows * GemmBlocking.MaxDepth;
        float* buffers = NativeBuffer.Grow(ref _left, packedLeft * threads.Count);
        threads.Run(new Job<TEpilogue>(left, right, result, accumulate, bias, epilogue, grid, buffers), grid.Parts);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _right.Dispose();
        _left?.Dispose();
    }

    /// <summary>Each part computes one rectangle of the result, whole tiles.</summary>
    private readonly struct Job<TEpilogue>(MatrixView left, PackedMatrix<TVector> right, MatrixView result, bool accumulate, float* bias, TEpilogue epilogue, GemmGrid grid, float* buffers) : IParallelJob
        where TEpilogue : struct, IGemmEpilogue
    {
        private readonly float* _bias = bias;
        private readonly TEpilogue _epilogue = epilogue;
        private readonly float* _buffers = buffers;

        public void Execute(int part, int thread)
        {
            int tileRows = GemmKernel<TVector>.Rows;
            (int rowStart, int rowEnd) = CpuThreads.Range(left.Rows, tileRows, part % grid.RowParts, grid.RowParts);
            (int firstPanel, int lastPanel) = CpuThreads.Range(grid.ColumnTiles, 1, part / grid.RowParts, grid.ColumnParts);
            float* packedLeft = _buffers + (nint)thread * MaxBlockRows * GemmBlocking.MaxDepth;
            GemmBlocking blocking = new(left.Columns);
            int panels = lastPanel - firstPanel;

            // Rectangles side by side in time begin with different panels, so that each of their threads packs some instead of all the same ones at once.
            int rotation = panels * (part % grid.RowParts) / grid.RowParts;
            int rowBlocks = (rowEnd - rowStart + MaxBlockRows - 1) / MaxBlockRows;
            for (int rowBlock = 0; rowBlock < rowBlocks; rowBlock++)
            {
                (int start, int end) = CpuThreads.Range(rowEnd - rowStart, tileRows, rowBlock, rowBlocks);
                for (int block = 0; block < blocking.Blocks; block++)
                {
                    PackLeft(rowStart + start, rowStart + end, block, blocking, packedLeft);
                    for (int i = 0; i < panels; i++)
                    {
                        int panel = firstPanel + (i + rotation) % panels;
                        int nextPanel = firstPanel + (i + 1 + rotation) % panels;
                        OperandPanel next = right.Panel(blocking, i + 1 < panels ? block : (block + 1) % blocking.Blocks, nextPanel);
                        MultiplyColumn(packedLeft, isFirst: i == 0, rowStart + start, rowStart + end, panel, block, blocking, next);
                    }
                }
            }
        }

        /// <summary>
        /// Where the tile's rows of the left operand are read. Rows along the depth are streams, read where they are, unless a page is a divisor of their distance: then they
        /// would all want the same few places of the caches. Of a transposed operand each k lies elsewhere, often in another page, so the first column of tiles packs them for the others.
        /// </summary>
        private OperandPanel LeftPanel(int row, int rows, int depthStart, float* packed, bool isFirst) =>
            rows < GemmKernel<TVector>.Rows || (left.IsTransposed ? !isFirst : PacksLeft)
                ? new OperandPanel(packed)
                : new OperandPanel(left.At(row, depthStart), left.Stride, isAlongWidth: left.IsTransposed, copy: packed);

        private bool PacksLeft => !left.IsTransposed && left.Stride % PageFloats == 0;

        /// <summary>Packs what is to be packed before it is read: all rows, or those that do not fill a tile.</summary>
        private void PackLeft(int start, int end, int block, in GemmBlocking blocking, float* packedLeft)
        {
            int first = PacksLeft ? start : end - (end - start) % GemmKernel<TVector>.Rows;
            int depth = blocking.Depth(block);
            float* packed = packedLeft + (nint)(first - start) * depth;
            GemmPacking.Pack(left.At(first, blocking.Start(block)), left.Stride, alongWidth: left.IsTransposed, GemmKernel<TVector>.Rows, end - first, depth, packed);
        }

        /// <summary>One column of tiles: the right operand's panel stays in the nearest cache, the left one's go by.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void MultiplyColumn(float* packedLeft, bool isFirst, int start, int end, int panel, int block, in GemmBlocking blocking, in OperandPanel next)
        {
            int depth = blocking.Depth(block);
            int column = panel * GemmKernel<TVector>.Columns;
            int columns = Math.Min(GemmKernel<TVector>.Columns, result.Columns - column);
            GemmTile tile = new()
            {
                Data = result.At(start, column),
                Stride = result.Stride,
                Depth = depth,
                Accumulate = accumulate || block > 0,
                Bias = _bias == null || block > 0 ? null : _bias + column,
                Next = next.Data,
                NextStride = next.IsPacked ? GemmKernel<TVector>.Columns : next.Stride,

                // In equal shares for all tiles but those at the edge.
                NextRows = (depth + end - start - 1) / (end - start),
            };
            nint tileStep = GemmKernel<TVector>.Rows * tile.Stride;
            nint nextStep = GemmKernel<TVector>.Rows * tile.NextRows * tile.NextStride;
            OperandPanel rightPanel = right.Take(blocking, block, panel);
            for (int row = start; row < end; row += GemmKernel<TVector>.Rows)
            {
                int rows = Math.Min(GemmKernel<TVector>.Rows, end - row);
                OperandPanel leftPanel = LeftPanel(row, rows, blocking.Start(block), packedLeft, isFirst);
                if (rows == GemmKernel<TVector>.Rows && columns == GemmKernel<TVector>.Columns)
                {
                    GemmKernel<TVector>.Multiply(leftPanel, rightPanel, tile);
                    tile.Next += nextStep;
                }
                else
                {
                    GemmKernel<TVector>.MultiplyEdge(leftPanel, rightPanel, tile, rows, columns);
                }

                if (!rightPanel.IsPacked)
                {
                    if (rightPanel.Copy != null)
                    {
                        right.SetPacked(block, panel);
                    }

                    rightPanel = right.Panel(blocking, block, panel);
                }

                tile.Data += tileStep;
                packedLeft += GemmKernel<TVector>.Rows * depth;
            }

            if (block == blocking.Blocks - 1)
            {
                _epilogue.Apply(result.At(start, column), result.Stride, start, column, end - start, columns);
            }
        }
    }
}
