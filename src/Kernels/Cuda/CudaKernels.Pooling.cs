namespace MnrEngine.Kernels.Cuda;

/// <summary>Pooling and normalisation (Native/pooling.cuh, Native/normalize.cuh).</summary>
public sealed unsafe partial class CudaKernels
{
    private const int PoolColumns = 512;
    private const int PoolThreads = 128;
    private const int NormalizeThreads = 128;
    private const int NormalizeRows = NormalizeThreads / WarpThreads;

    /// <inheritdoc/>
    public void Pool(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooled)
    {
        _operands.Pool(batch, modes, hidden, pooled);
        _context.Launch(_kernels.PoolForward[hidden.Type], PoolShape(batch, hidden), batch.Offsets, (int)modes, hidden, pooled, hidden.Columns, 0, pooled.Columns);
    }

    /// <inheritdoc/>
    public void PoolBackward(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooledGradient, Tensor hiddenGradient)
    {
        _operands.PoolBackward(batch, modes, hidden, pooledGradient, hiddenGradient);
        _context.Launch(
            _kernels.PoolBackward[hidden.Type], PoolShape(batch, hidden), batch.Offsets, (int)modes, hidden, pooledGradient, hiddenGradient, hidden.Columns, 0, pooledGradient.Columns);
        ZeroSpareRows(batch, hiddenGradient);
    }

    /// <inheritdoc/>
    public void Normalize(Tensor input, Tensor length, Tensor output)
    {
        _operands.Normalize(input, length, output);
        _context.Launch(_kernels.NormalizeForward, NormalizeShape(input.Rows), input, length, output, input.Rows, input.Columns);
    }

    /// <inheritdoc/>
    public void NormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient)
    {
        _operands.NormalizeBackward(output, length, outputGradient, inputGradient);
        _context.Launch(_kernels.NormalizeBackward, NormalizeShape(output.Rows), output, length, outputGradient, inputGradient, output.Rows, output.Columns);
    }

    /// <inheritdoc/>
    public void TruncateNormalize(Tensor input, Tensor length, Tensor output)
    {
        _operands.TruncateNormalize(input, length, output);
        _context.Launch(_kernels.TruncateNormalizeForward, NormalizeShape(input.Rows), input, length, output, input.Rows, input.Columns, output.Columns);
    }

    /// <inheritdoc/>
    public void TruncateNormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient)
    {
        _operands.TruncateNormalizeBackward(output, length, outputGradient, inputGradient);
        _context.Launch(
            _kernels.TruncateNormalizeBackward, NormalizeShape(output.Rows), output, length, outputGradient, inputGradient, output.Rows, inputGradient.Columns, output.Columns, addToInputGradient);
    }

    private static LaunchShape PoolShape(in DeviceBatch batch, Tensor hidden) => new(batch.Sentences, (hidden.Columns + PoolColumns - 1) / PoolColumns, 1, PoolThreads, 0);

    private static LaunchShape NormalizeShape(int rows) => new((rows + NormalizeRows - 1) / NormalizeRows, NormalizeThreads);
}
