using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The innermost loop of the matrix product: one tile of the result, <see cref="Rows"/> rows by <see cref="Columns"/> columns, is held in
/// registers while a panel of each operand streams by.
/// </summary>
/// <remarks>
/// A panel of the left operand holds, for each k, the tile's column of <see cref="Rows"/> elements; a panel of the right one, for each k,
/// the tile's row of <see cref="Columns"/>. Panels are padded with zeros, so that the loop knows no edges.
/// </remarks>
internal static unsafe class GemmKernel<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TVector.TileRows;
    }

    public static int Columns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TVector.Count;
    }

    /// <summary>tile = left * right, or with <paramref name="accumulate"/> tile += left * right. Each element is summed in the order of k.</summary>
    /// <param name="depth">Number of k.</param>
    /// <param name="left">A panel, (depth, Rows).</param>
    /// <param name="right">A panel, (depth, Columns).</param>
    /// <param name="tile">Where the tile goes, all of it.</param>
    /// <param name="stride">Elements between two rows of the tile.</param>
    /// <param name="accumulate">Whether to add to what is there.</param>
    // Each Broadcast is written twice: the compiler merges the two loads, but where it saw one variable used last in a multiply-add
    // it would overwrite that register and then move the sum back, a third more instructions.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    public static void Multiply(int depth, float* left, float* right, float* tile, nint stride, bool accumulate)
    {
        TVector r00 = TVector.Zero, r01 = TVector.Zero, r10 = TVector.Zero, r11 = TVector.Zero;
        TVector r20 = TVector.Zero, r21 = TVector.Zero, r30 = TVector.Zero, r31 = TVector.Zero;
        TVector r40 = TVector.Zero, r41 = TVector.Zero, r50 = TVector.Zero, r51 = TVector.Zero;
        TVector r60 = TVector.Zero, r61 = TVector.Zero, r70 = TVector.Zero, r71 = TVector.Zero;
        TVector r80 = TVector.Zero, r81 = TVector.Zero, r90 = TVector.Zero, r91 = TVector.Zero;
        TVector ra0 = TVector.Zero, ra1 = TVector.Zero, rb0 = TVector.Zero, rb1 = TVector.Zero;
        for (; depth > 0; depth--)
        {
            TVector b0 = TVector.Load(right);
            TVector b1 = TVector.Load(right + TVector.Count);
            r00 = TVector.MultiplyAdd(TVector.Broadcast(left[0]), b0, r00);
            r01 = TVector.MultiplyAdd(TVector.Broadcast(left[0]), b1, r01);
            r10 = TVector.MultiplyAdd(TVector.Broadcast(left[1]), b0, r10);
            r11 = TVector.MultiplyAdd(TVector.Broadcast(left[1]), b1, r11);
            r20 = TVector.MultiplyAdd(TVector.Broadcast(left[2]), b0, r20);
            r21 = TVector.MultiplyAdd(TVector.Broadcast(left[2]), b1, r21);
            r30 = TVector.MultiplyAdd(TVector.Broadcast(left[3]), b0, r30);
            r31 = TVector.MultiplyAdd(TVector.Broadcast(left[3]), b1, r31);
            r40 = TVector.MultiplyAdd(TVector.Broadcast(left[4]), b0, r40);
            r41 = TVector.MultiplyAdd(TVector.Broadcast(left[4]), b1, r41);
            r50 = TVector.MultiplyAdd(TVector.Broadcast(left[5]), b0, r50);
            r51 = TVector.MultiplyAdd(TVector.Broadcast(left[5]), b1, r51);
            if (TVector.TileRows == 12)
            {
                r60 = TVector.MultiplyAdd(TVector.Broadcast(left[6]), b0, r60);
                r61 = TVector.MultiplyAdd(TVector.Broadcast(left[6]), b1, r61);
                r70 = TVector.MultiplyAdd(TVector.Broadcast(left[7]), b0, r70);
                r71 = TVector.MultiplyAdd(TVector.Broadcast(left[7]), b1, r71);
                r80 = TVector.MultiplyAdd(TVector.Broadcast(left[8]), b0, r80);
                r81 = TVector.MultiplyAdd(TVector.Broadcast(left[8]), b1, r81);
                r90 = TVector.MultiplyAdd(TVector.Broadcast(left[9]), b0, r90);
                r91 = TVector.MultiplyAdd(TVector.Broadcast(left[9]), b1, r91);
                ra0 = TVector.MultiplyAdd(TVector.Broadcast(left[10]), b0, ra0);
                ra1 = TVector.MultiplyAdd(TVector.Broadcast(left[10]), b1, ra1);
                rb0 = TVector.MultiplyAdd(TVector.Broadcast(left[11]), b0, rb0);
                rb1 = TVector.MultiplyAdd(TVector.Broadcast(left[11]), b1, rb1);
            }

            left += TVector.TileRows;
            right += 2 * TVector.Count;
        }

        tile = StoreRow(r00, r01, tile, stride, accumulate);
        tile = StoreRow(r10, r11, tile, stride, accumulate);
        tile = StoreRow(r20, r21, tile, stride, accumulate);
        tile = StoreRow(r30, r31, tile, stride, accumulate);
        tile = StoreRow(r40, r41, tile, stride, accumulate);
        tile = StoreRow(r50, r51, tile, stride, accumulate);
        if (TVector.TileRows == 12)
        {
            tile = StoreRow(r60, r61, tile, stride, accumulate);
            tile = StoreRow(r70, r71, tile, stride, accumulate);
            tile = StoreRow(r80, r81, tile, stride, accumulate);
            tile = StoreRow(r90, r91, tile, stride, accumulate);
            tile = StoreRow(ra0, ra1, tile, stride, accumulate);
            StoreRow(rb0, rb1, tile, stride, accumulate);
        }
    }

    /// <summary>As <see cref="Multiply"/>, for a tile of which only the first rows and columns exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    public static void MultiplyEdge(int depth, float* left, float* right, float* tile, nint stride, bool accumulate, int rows, int columns)
    {
        float* whole = stackalloc float[Rows * Columns];
        Multiply(depth, left, right, whole, Columns, accumulate: false);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                tile[column] = accumulate ? tile[column] + whole[column] : whole[column];
            }

            tile += stride;
            whole += Columns;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* StoreRow(TVector left, TVector right, float* tile, nint stride, bool accumulate)
    {
        if (accumulate)
        {
            left = TVector.Load(tile) + left;
            right = TVector.Load(tile + TVector.Count) + right;
        }

        TVector.Store(left, tile);
        TVector.Store(right, tile + TVector.Count);
        return tile + stride;
    }
}
