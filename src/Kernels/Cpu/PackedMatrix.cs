namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The right operand of matrix products, laid out as <see cref="GemmKernel{TVector}"/> reads it: for each block of k one panel after the
/// other. Made once for a weight that many products use.
/// </summary>
internal sealed unsafe class PackedMatrix<TVector> : IDisposable
    where TVector : struct, IFloatVector<TVector>
{
    // The states of a panel.
    private const int InMatrix = 0;
    private const int BeingPacked = 1;
    private const int Packed = 2;

    private NativeBuffer? _buffer;
    private NativeBuffer? _stateBuffer;
    private int* _states;
    private MatrixView _matrix;

    /// <summary>Rows of the matrix, the depth of the products.</summary>
    public int Rows { get; private set; }

    /// <summary>Columns of the matrix.</summary>
    public int Columns { get; private set; }

    private int Panels => (Columns + GemmKernel<TVector>.Columns - 1) / GemmKernel<TVector>.Columns;

    /// <summary>Copies a matrix into panels; what was there before is forgotten. Memory is kept unless it is too small.</summary>
    public void Pack(MatrixView matrix, CpuThreads threads)
    {
        float* panels = Reserve(matrix);
        _states = null;
        threads.Run(new PackJob(matrix, panels, Panels, threads.UsefulParts), threads.UsefulParts);
    }

    /// <summary>
    /// As <see cref="Pack"/>, but a panel is copied by the first tile that reads it, behind its computation, if tiles can read the matrix: if it is not transposed and has no
    /// panel that has to be filled up. The matrix has to stay as it is until the product is done.
    /// </summary>
    public void PackWhenRead(MatrixView matrix, CpuThreads threads)
    {
        if (matrix.IsTransposed || matrix.Columns % GemmKernel<TVector>.Columns != 0)
        {
            Pack(matrix, threads);
            return;
        }

        Reserve(matrix);
        _matrix = matrix;
        int count = new GemmBlocking(matrix.Rows).Blocks * Panels;
        _states = (int*)NativeBuffer.Grow(ref _stateBuffer, count);
        new Span<int>(_states, count).Clear();
    }

    /// <summary>A panel of a block of k for the tile that comes next; it may have to leave a copy, and then <see cref="SetPacked"/> has to follow. Other threads read the matrix until then.</summary>
    public OperandPanel Take(in GemmBlocking blocking, int block, int panel) =>
        !IsPacked(block, panel) && Interlocked.CompareExchange(ref _states[block * Panels + panel], BeingPacked, InMatrix) == InMatrix
            ? PanelInMatrix(blocking, block, panel, copy: PackedPanel(blocking, block, panel))
            : Panel(blocking, block, panel);

    /// <summary>A panel of a block of k, where it is now.</summary>
    public OperandPanel Panel(in GemmBlocking blocking, int block, int panel) => IsPacked(block, panel)
        ? new OperandPanel(PackedPanel(blocking, block, panel))
        : PanelInMatrix(blocking, block, panel, copy: null);

    /// <summary>Whether a panel has been packed.</summary>
    public bool IsPacked(int block, int panel) => _states == null || Volatile.Read(ref _states[block * Panels + panel]) == Packed;

    /// <summary>The copy of a panel is complete.</summary>
    public void SetPacked(int block, int panel) => Volatile.Write(ref _states[block * Panels + panel], Packed);

    /// <inheritdoc/>
    public void Dispose()
    {
        _buffer?.Dispose();
        _stateBuffer?.Dispose();
    }

    private float* Reserve(MatrixView matrix)
    {
        Rows = matrix.Rows;
        Columns = matrix.Columns;
        return NativeBuffer.Grow(ref _buffer, (long)Panels * GemmKernel<TVector>.Columns * Rows);
    }

    private OperandPanel PanelInMatrix(in GemmBlocking blocking, int block, int panel, float* copy) =>
        new(_matrix.At(blocking.Start(block), panel * GemmKernel<TVector>.Columns), _matrix.Stride, copy: copy);

    private float* PackedPanel(in GemmBlocking blocking, int block, int panel) => Locate(_buffer!.Floats, Panels, blocking, block, panel);

    private static float* Locate(float* panels, int count, in GemmBlocking blocking, int block, int panel) =>
        panels + GemmKernel<TVector>.Columns * ((long)blocking.Start(block) * count + (long)blocking.Depth(block) * panel);

    /// <summary>Parts take runs of panels.</summary>
    private readonly struct PackJob(MatrixView matrix, float* panels, int count, int parts) : IParallelJob
    {
        private readonly float* _panels = panels;

        public void Execute(int part, int thread)
        {
            int width = GemmKernel<TVector>.Columns;
            GemmBlocking blocking = new(matrix.Rows);
            (int first, int last) = CpuThreads.Range(count, 1, part, parts);
            if (first == last)
            {
                return;
            }

            for (int block = 0; block < blocking.Blocks; block++)
            {
                int start = blocking.Start(block);
                GemmPacking.Pack(
                    matrix.At(start, first * width),
                    matrix.Stride,
                    alongWidth: !matrix.IsTransposed,
                    width,
                    Math.Min((last - first) * width, matrix.Columns - first * width),
                    blocking.Depth(block),
                    Locate(_panels, count, blocking, block, first));
            }
        }
    }
}
