using MnrEngine.Kernels.Cuda.Compilation;
using MnrEngine.Kernels.Cuda.Memory;

namespace MnrEngine.Kernels.Cuda;

/// <summary>
/// Attention (Native/attention*.cuh): one launch for sentences of up to 32 tokens, and where there are longer ones, others for those by tiles. Both see every sentence and leave alone what is the other's.
/// </summary>
public sealed unsafe partial class CudaKernels
{
    private const int AttentionTile = 32;
    private const int AttentionThreads = 128;
    private const int MostHeadDim = 128;
    private const int HeadDimStep = 8;

    /// <summary>The most memory that copies of a bias' gradient may take for the sake of more blocks.</summary>
    private const long MostBiasCopies = 64L << 20;

    /// <summary>Whether there are attention kernels for heads of this width.</summary>
    public static bool SupportsHeadDim(int headDim) => headDim is >= HeadDimStep and <= MostHeadDim && headDim % HeadDimStep == 0;

    /// <inheritdoc/>
    public void Attention(in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context)
    {
        _operands.Attention(batch, queryKeyValue, heads, bias, dropout, logSumExp, context);
        int headDim = HeadDim(context, heads);
        DropoutArguments mask = new(dropout);
        nint squares = SlotOf(batch) + (nint)new BatchLayout(batch.TokenRows, batch.Sentences).SquaredOffsets;
        LaunchShape shape = AttentionShape(batch, heads, tiles: 1, TileFloats(3, headDim) + 1152);
        _context.Launch(
            _kernels.AttentionShortForward[context.Type, headDim], shape,
            queryKeyValue, batch.Offsets, squares, bias, bias.Columns, mask.State, mask.Site, mask.KeepBelow, mask.KeepScale, logSumExp, context, heads, headDim);
        if (LongTiles(batch) is > 0 and int tiles)
        {
            _context.Launch(
                _kernels.AttentionTiledForward[context.Type, headDim], shape with { GridZ = tiles },
                queryKeyValue, batch.Offsets, squares, bias, bias.Columns, mask.State, mask.Site, mask.KeepBelow, mask.KeepScale, logSumExp, context, heads, headDim, AttentionTile + 1);
        }

        ZeroSpareRows(batch, context);
    }

    /// <inheritdoc/>
    public void AttentionBackward(
        in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context, Tensor contextGradient,
        Tensor queryKeyValueGradient, Tensor biasGradient)
    {
        _operands.AttentionBackward(batch, queryKeyValue, heads, bias, dropout, logSumExp, context, contextGradient, queryKeyValueGradient, biasGradient);
        int headDim = HeadDim(context, heads);
        DropoutArguments mask = new(dropout);
        nint squares = SlotOf(batch) + (nint)new BatchLayout(batch.TokenRows, batch.Sentences).SquaredOffsets;
        int tiles = LongTiles(batch);
        int copies = biasGradient.IsNone ? 0 : BiasCopies(bias.Columns, heads, batch.Sentences);
        (nint rowDots, nint biasCopies) = _workspace.Take((long)context.Rows * heads * sizeof(float), copies > 1 ? copies * biasGradient.Bytes : 0);
        if (tiles > 0)
        {
            long rowsAndHeads = (long)context.Rows * heads;
            _context.Launch(
                _kernels.AttentionRowDots[context.Type], new LaunchShape((int)((rowsAndHeads + 3) / 4), AttentionThreads), context, contextGradient, rowDots, context.Rows, heads, headDim);
        }

        _context.Launch(
            _kernels.AttentionShortBackward[context.Type, headDim], AttentionShape(batch, heads, tiles: 1, TileFloats(4, headDim) + 2304),
            queryKeyValue, batch.Offsets, squares, bias, bias.Columns, mask.State, mask.Site, mask.KeepBelow, mask.KeepScale, logSumExp, copies > 0 ? rowDots : 0, contextGradient,
            queryKeyValueGradient, heads, headDim);
        if (tiles > 0)
        {
            _context.Launch(
                _kernels.AttentionTiledBackwardKeys[context.Type, headDim], AttentionShape(batch, heads, tiles, TileFloats(4, headDim) + 2368),
                queryKeyValue, batch.Offsets, squares, bias, bias.Columns, mask.State, mask.Site, mask.KeepBelow, mask.KeepScale, logSumExp, rowDots, contextGradient,
                queryKeyValueGradient, heads, headDim, AttentionTile + 1);
            _context.Launch(
                _kernels.AttentionTiledBackwardQueries[context.Type, headDim], AttentionShape(batch, heads, tiles, TileFloats(4, headDim) + 1216),
                queryKeyValue, batch.Offsets, squares, bias, bias.Columns, mask.State, mask.Site, mask.KeepBelow, mask.KeepScale, logSumExp, rowDots, contextGradient,
                queryKeyValueGradient, heads, headDim, AttentionTile + 1);
        }

        if (copies > 0)
        {
            int biasTiles = (bias.Columns + AttentionTile - 1) / AttentionTile;
            KernelArgument target = copies > 1 ? biasCopies : biasGradient;
            _context.Launch(
                _kernels.AttentionBiasGradient[context.Type],
                new LaunchShape(biasTiles * biasTiles, heads, copies, AttentionThreads, (TileFloats(4, headDim) + 1216) * sizeof(float)),
                queryKeyValue, batch.Offsets, squares, bias, bias.Columns, mask.State, mask.Site, mask.KeepBelow, mask.KeepScale, logSumExp, rowDots, contextGradient, target,
                batch.Sentences, heads, headDim, copies == 1);
            if (copies > 1)
            {
                int width = checked((int)biasGradient.Length);
                ReducePartials(biasCopies, copies, 1, width, biasGradient, Tensor.None, Tensor.None, accumulate: true);
            }
        }

        ZeroSpareRows(batch, queryKeyValueGradient);
    }

    /// <inheritdoc/>
    public void RelativeBias(in Parameter table, Tensor bias)
    {
        _operands.RelativeBias(table, bias);
        _context.Launch(_kernels.RelativeBiasForward, new LaunchShape(Blocks((bias.Length + 255) / 256, 8), 256), table.Value, bias, table.Value.Columns, bias.Columns);
    }

    /// <inheritdoc/>
    public void RelativeBiasBackward(in Parameter table, Tensor biasGradient, bool accumulate)
    {
        _operands.RelativeBiasBackward(table, biasGradient);
        int heads = table.Value.Columns;
        _context.Launch(
            _kernels.RelativeBiasBackward, new LaunchShape(RelativePositions.Buckets, heads, 1, 256, 0), biasGradient, table.Gradient, heads, biasGradient.Columns, accumulate);
    }

    private static LaunchShape AttentionShape(in DeviceBatch batch, int heads, int tiles, int sharedFloats) =>
        new(batch.Sentences, heads, tiles, AttentionThreads, sharedFloats * sizeof(float));

    /// <summary>Tiles of rows in shared memory, each row four floats longer than it needs for the sake of the banks.</summary>
    private static int TileFloats(int tiles, int headDim) => tiles * AttentionTile * (headDim + 4);

    /// <summary>Tiles of the longest sentence; 0 where all sentences are short.</summary>
    private static int LongTiles(in DeviceBatch batch) => (batch.LongestSentence + AttentionTile - 1) / AttentionTile is > 1 and int tiles ? tiles : 0;

    /// <summary>
    /// What the copies of a bias' gradient take at most, whatever the length: with t tiles a side there are at most 4 multiprocessors / (t^2 heads) copies, each of at most
    /// heads (32 t)^2 numbers.
    /// </summary>
    private long MostBiasCopyBytes => Math.Min(MostBiasCopies, _context.Device.Multiprocessors * 4L * AttentionTile * AttentionTile * sizeof(float));

    /// <summary>Groups of sentences whose shares of a bias' gradient are summed side by side.</summary>
    private int BiasCopies(int length, int heads, int sentences)
    {
        long tiles = (length + AttentionTile - 1) / AttentionTile;
        long blocks = tiles * tiles * heads;
        long affordable = MostBiasCopies / ((long)heads * length * length * sizeof(float));
        return (int)Math.Clamp(Math.Min(_context.Device.Multiprocessors * 4 / blocks, affordable), 1, sentences);
    }

    private static int HeadDim(Tensor context, int heads)
    {
        int headDim = context.Columns / heads;
        return SupportsHeadDim(headDim)
            ? headDim
            : throw new ArgumentException(
                $"Attention: operand 'context' is {context}, so that each of {heads} heads is {headDim} wide, but on a GPU that has to be a multiple of {HeadDimStep} up to {MostHeadDim}", nameof(context));
    }

    /// <summary>Clears the rows behind the last sentence, which kernels that go by sentences leave alone.</summary>
    private void ZeroSpareRows(in DeviceBatch batch, Tensor rows)
    {
        if (_options.TokenBucket > 1)
        {
            nint tokenCount = SlotOf(batch) + (nint)new BatchLayout(batch.TokenRows, batch.Sentences).TokenCount;
            long most = (_options.TokenBucket - 1L) * rows.Columns;
            _context.Launch(_kernels.ZeroSpareRows[rows.Type], new LaunchShape(Blocks((most + 255) / 256, 8), 256), rows, tokenCount, rows.Rows, rows.Columns);
        }
    }
}
