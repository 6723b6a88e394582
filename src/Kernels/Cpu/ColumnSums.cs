namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Sums over the rows of a matrix, column by column, that come out the same whatever the number of threads: rows are taken in blocks of fixed size, each
/// block is summed by one thread in the order of its rows, and the blocks' sums are added in their order.
/// </summary>
internal sealed unsafe class ColumnSums<TVector>(CpuThreads threads) : IDisposable
    where TVector : struct, IFloatVector<TVector>
{
    /// <summary>Rows of a block. Its sums (1.5 KB at width 384) stay in the first-level cache while its rows go by.</summary>
    public const int BlockRows = 16;

    /// <summary>Columns worth a thread when blocks are added up.</summary>
    private const int LeastColumns = 512;

    private NativeBuffer? _buffer;
    private int _blocks;
    private int _width;
    private int _arrays;

    /// <summary>The number of blocks that so many rows make.</summary>
    public static int Blocks(int rows) => (rows + BlockRows - 1) / BlockRows;

    /// <summary>Room for the sums of every block, not cleared.</summary>
    /// <param name="rows">Rows of the matrices summed.</param>
    /// <param name="width">Their columns.</param>
    /// <param name="arrays">How many matrices are summed at a time.</param>
    /// <returns>For each block, one behind the other, the columns of the first array, then of the second, and so on.</returns>
    public float* Reserve(int rows, int width, int arrays)
    {
        _blocks = Blocks(rows);
        _width = width;
        _arrays = arrays;
        return NativeBuffer.Grow(ref _buffer, (long)_blocks * width * arrays);
    }

    /// <summary>Adds up the blocks' sums of one of the arrays reserved last.</summary>
    /// <param name="array">Which array.</param>
    /// <param name="sums">One element a column.</param>
    /// <param name="accumulate">Whether to add to what is there.</param>
    public void AddBlocks(int array, float* sums, bool accumulate)
    {
        int registers = (_width + TVector.Count - 1) / TVector.Count;
        threads.Run(new AddBlocksJob(_buffer!.Floats + (nint)array * _width, _blocks, _width, (nint)_width * _arrays, sums, accumulate), registers, LeastColumns / TVector.Count);
    }

    /// <summary>Sums a matrix.</summary>
    public void Sum(float* matrix, int rows, int width, float* sums, bool accumulate)
    {
        float* partial = Reserve(rows, width, 1);
        threads.Run(new SumJob(matrix, rows, width, partial), _blocks);
        AddBlocks(0, sums, accumulate);
    }

    /// <inheritdoc/>
    public void Dispose() => _buffer?.Dispose();

    private readonly struct SumJob(float* matrix, int rows, int width, float* partial) : IRangeJob
    {
        private readonly float* _matrix = matrix;
        private readonly float* _partial = partial;

        public void Execute(int thread, int start, int end)
        {
            for (int block = start; block < end; block++)
            {
                float* sums = _partial + (nint)block * width;
                int first = block * BlockRows;
                int count = Math.Min(BlockRows, rows - first);
                for (int i = 0; i < width; i += TVector.Count)
                {
                    float* source = _matrix + (nint)first * width + i;
                    TVector sum = Lanes.Load<TVector>(source, width - i);
                    for (int row = 1; row < count; row++)
                    {
                        source += width;
                        sum += Lanes.Load<TVector>(source, width - i);
                    }

                    Lanes.Store(sum, sums + i, width - i);
                }
            }
        }
    }

    private readonly struct AddBlocksJob(float* partial, int blocks, int width, nint stride, float* sums, bool accumulate) : IRangeJob
    {
        private readonly float* _partial = partial;
        private readonly float* _sums = sums;

        public void Execute(int thread, int start, int end)
        {
            for (int i = start * TVector.Count; i < Math.Min(end * TVector.Count, width); i += TVector.Count)
            {
                float* source = _partial + i;
                TVector sum = Lanes.Load<TVector>(source, width - i);
                for (int block = 1; block < blocks; block++)
                {
                    source += stride;
                    sum += Lanes.Load<TVector>(source, width - i);
                }

                if (accumulate)
                {
                    sum = Lanes.Load<TVector>(_sums + i, width - i) + sum;
                }

                Lanes.Store(sum, _sums + i, width - i);
            }
        }
    }
}
