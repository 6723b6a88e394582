using MnrEngine.Kernels.Cuda.Memory;

namespace MnrEngine.Kernels.Cuda;

/// <summary>The embedding (Native/embedding.cuh).</summary>
public sealed unsafe partial class CudaKernels
{
    private const int TableGradientThreads = 256;
    private const int TableGradientColumns = 128;

    /// <inheritdoc/>
    public void EmbedNorm(in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        _operands.EmbedNorm(batch, parameters, dropout, normalized, inverseDeviation, output);
        CheckIndices(batch, parameters);
        DropoutArguments mask = new(dropout);
        BatchLayout layout = new(batch.TokenRows, batch.Sentences);
        int hidden = output.Columns;
        NormParameters norm = parameters.Norm;
        _context.Launch(
            _kernels.EmbedNormForward[output.Type], NormForwardShape(output.Rows, hidden),
            batch.TokenIds, batch.Positions, SlotOf(batch) + (nint)layout.TokenCount, parameters.Word.Value, parameters.Position.Value, parameters.TokenType.Value,
            norm.Weight.Value, norm.Bias.Value, norm.Epsilon, mask.State, mask.Site, mask.KeepBelow, mask.KeepScale, normalized, inverseDeviation, output, output.Rows, hidden);
    }

    /// <inheritdoc/>
    public void EmbedNormBackward(
        in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor outputGradient, bool accumulate)
    {
        _operands.EmbedNormBackward(batch, parameters, dropout, normalized, inverseDeviation, outputGradient);
        CheckIndices(batch, parameters);
        DropoutArguments mask = new(dropout);
        BatchLayout layout = new(batch.TokenRows, batch.Sentences);
        int hidden = outputGradient.Columns;
        LaunchShape shape = NormBackwardShape(outputGradient.Rows, hidden);
        nint partials = _workspace.Take(NormPartialBytes(shape, hidden));
        _context.Launch(
            _kernels.EmbedNormBackward[outputGradient.Type], shape,
            outputGradient, normalized, inverseDeviation, parameters.Norm.Weight.Value, mask.State, mask.Site, mask.KeepBelow, mask.KeepScale, partials, outputGradient.Rows, hidden);
        Tensor tokenType = parameters.TokenType.Gradient;
        ReducePartials(partials, shape.GridX, 3, hidden, parameters.Norm.Weight.Gradient, parameters.Norm.Bias.Gradient, tokenType, accumulate);
        if (!tokenType.IsNone && tokenType.Rows > 1 && !accumulate)
        {
            Tensor others = tokenType.Slice(1, tokenType.Rows - 1);
            _context.SetBytes(others.Address, 0, others.Bytes);
        }

        AddTableRows(batch, layout.PositionRuns, parameters.Position.Gradient, -1, outputGradient, accumulate);
        AddTableRows(batch, layout.Words, parameters.Word.Gradient, parameters.PaddingId, outputGradient, accumulate);
    }

    private void AddTableRows(in DeviceBatch batch, RowRuns runs, Tensor table, int skipped, Tensor gradient, bool accumulate)
    {
        nint slot = SlotOf(batch);
        if (!accumulate)
        {
            _writtenRows.Clear(table);
        }

        int most = Math.Min(gradient.Rows, table.Rows);
        LaunchShape shape = new(most, (table.Columns + TableGradientColumns - 1) / TableGradientColumns, 1, TableGradientThreads, 0);
        _context.Launch(
            _kernels.TableGradient[gradient.Type], shape,
            gradient, slot + (nint)runs.Order, slot + (nint)runs.Starts, slot + (nint)runs.Rows, slot + (nint)runs.Count, skipped, table, table.Columns, accumulate);
        _writtenRows.Mark(table, slot + (nint)runs.Rows, slot + (nint)runs.Count, most);
    }

    private void CheckIndices(in DeviceBatch batch, in EmbeddingParameters parameters)
    {
        CheckIndices(batch.Slot, parameters.Word.Value.Rows, parameters.Position.Value.Rows);
        _stepWordRows = Math.Min(_stepWordRows, parameters.Word.Value.Rows);
        _stepPositionRows = Math.Min(_stepPositionRows, parameters.Position.Value.Rows);
    }

    /// <summary>A batch's slot on the device, which its token ids begin.</summary>
    private static nint SlotOf(in DeviceBatch batch) => batch.TokenIds.Address;
}
