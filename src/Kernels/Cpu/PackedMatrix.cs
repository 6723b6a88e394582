namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The right operand of matrix products, laid out as <see cref="GemmKernel{TVector}"/> reads it: for each block of k one panel after the
/// other. Made once for a weight that many products use.
/// </summary>
internal sealed unsafe class PackedMatrix<TVector> : IDisposable
    where TVector : struct, IFloatVector<TVector>
{
    private NativeBuffer? _buffer;

    /// <summary>Rows of the matrix, the depth of the products.</summary>
    public int Rows { get; private set; }

    /// <summary>Columns of the matrix.</summary>
    public int Columns { get; private set; }

    private int Panels => (Columns + GemmKernel<TVector>.Columns - 1) / GemmKernel<TVector>.Columns;

    /// <summary>Copies a matrix into panels; what was there before is forgotten. Memory is kept unless it is too small.</summary>
    public void Pack(MatrixView matrix, CpuThreads threads)
    {
        Rows = matrix.Rows;
        Columns = matrix.Columns;
        float* panels = NativeBuffer.Grow(ref _buffer, (long)Panels * GemmKernel<TVector>.Columns * Rows);
        threads.Run(new PackJob(matrix, panels, Panels, threads.UsefulParts), threads.UsefulParts);
    }

    /// <summary>Panel number <paramref name="panel"/> of a block of k.</summary>
    public float* Panel(in GemmBlocking blocking, int block, int panel) =>
        Locate(_buffer!.Floats, Panels, blocking, block, panel);

    /// <inheritdoc/>
    public void Dispose() => _buffer?.Dispose();

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
