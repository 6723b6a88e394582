using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Products of the small matrices of attention, on one thread: too small to be worth packing both operands. The left operand may have any strides, so
/// that a transpose costs nothing; the right one lies in whole registers.
/// </summary>
/// <remarks>
/// A tile is eight rows by one register: one load and eight broadcasts, which are part of the multiplication, for eight multiplications, 4.5
/// cycles where the multiplications alone take 4. Each element is summed in the order of the depth, whatever the tile.
/// </remarks>
internal static unsafe class SmallProduct<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    /// <summary>result = left * right, or with <paramref name="accumulate"/> result += left * right.</summary>
    /// <param name="left">(rows, depth).</param>
    /// <param name="leftRow">Elements from one of its rows to the next.</param>
    /// <param name="leftDepth">Elements from one of its columns to the next.</param>
    /// <param name="right">(depth, columns), filled up to whole registers.</param>
    /// <param name="rightStride">Elements from one of its rows to the next.</param>
    /// <param name="result">(rows, columns).</param>
    /// <param name="resultStride">Elements from one of its rows to the next.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns; no element beyond them is written.</param>
    /// <param name="depth">Terms of each element.</param>
    /// <param name="accumulate">Whether to add to what is there.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(
        float* left, nint leftRow, nint leftDepth, float* right, nint rightStride, float* result, nint resultStride, int rows, int columns, int depth, bool accumulate)
    {
        for (int column = 0; column < columns; column += TVector.Count)
        {
            int remaining = columns - column;
            int row = 0;
            for (; row + 8 <= rows; row += 8)
            {
                EightRows(left + row * leftRow, leftRow, leftDepth, right + column, rightStride, result + row * resultStride + column, resultStride, remaining, depth, accumulate);
            }

            if (row + 4 <= rows)
            {
                FourRows(left + row * leftRow, leftRow, leftDepth, right + column, rightStride, result + row * resultStride + column, resultStride, remaining, depth, accumulate);
                row += 4;
            }

            for (; row < rows; row++)
            {
                OneRow(left + row * leftRow, leftDepth, right + column, rightStride, result + row * resultStride + column, remaining, depth, accumulate);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightRows(
        float* left, nint leftRow, nint leftDepth, float* right, nint rightStride, float* result, nint resultStride, int remaining, int depth, bool accumulate)
    {
        TVector sum0 = TVector.Zero;
        TVector sum1 = TVector.Zero;
        TVector sum2 = TVector.Zero;
        TVector sum3 = TVector.Zero;
        TVector sum4 = TVector.Zero;
        TVector sum5 = TVector.Zero;
        TVector sum6 = TVector.Zero;
        TVector sum7 = TVector.Zero;
        float* left4 = left + 4 * leftRow;
        nint leftRow3 = 3 * leftRow;
        for (int k = 0; k < depth; k++)
        {
            TVector value = TVector.Load(right);
            sum0 = TVector.MultiplyAdd(TVector.Broadcast(left[0]), value, sum0);
            sum1 = TVector.MultiplyAdd(TVector.Broadcast(left[leftRow]), value, sum1);
            sum2 = TVector.MultiplyAdd(TVector.Broadcast(left[2 * leftRow]), value, sum2);
            sum3 = TVector.MultiplyAdd(TVector.Broadcast(left[leftRow3]), value, sum3);
            sum4 = TVector.MultiplyAdd(TVector.Broadcast(left4[0]), value, sum4);
            sum5 = TVector.MultiplyAdd(TVector.Broadcast(left4[leftRow]), value, sum5);
            sum6 = TVector.MultiplyAdd(TVector.Broadcast(left4[2 * leftRow]), value, sum6);
            sum7 = TVector.MultiplyAdd(TVector.Broadcast(left4[leftRow3]), value, sum7);
            left += leftDepth;
            left4 += leftDepth;
            right += rightStride;
        }

        Put(sum0, result, remaining, accumulate);
        Put(sum1, result + resultStride, remaining, accumulate);
        Put(sum2, result + 2 * resultStride, remaining, accumulate);
        Put(sum3, result + 3 * resultStride, remaining, accumulate);
        Put(sum4, result + 4 * resultStride, remaining, accumulate);
        Put(sum5, result + 5 * resultStride, remaining, accumulate);
        Put(sum6, result + 6 * resultStride, remaining, accumulate);
        Put(sum7, result + 7 * resultStride, remaining, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(
        float* left, nint leftRow, nint leftDepth, float* right, nint rightStride, float* result, nint resultStride, int remaining, int depth, bool accumulate)
    {
        TVector sum0 = TVector.Zero;
        TVector sum1 = TVector.Zero;
        TVector sum2 = TVector.Zero;
        TVector sum3 = TVector.Zero;
        for (int k = 0; k < depth; k++)
        {
            TVector value = TVector.Load(right);
            sum0 = TVector.MultiplyAdd(TVector.Broadcast(left[0]), value, sum0);
            sum1 = TVector.MultiplyAdd(TVector.Broadcast(left[leftRow]), value, sum1);
            sum2 = TVector.MultiplyAdd(TVector.Broadcast(left[2 * leftRow]), value, sum2);
            sum3 = TVector.MultiplyAdd(TVector.Broadcast(left[3 * leftRow]), value, sum3);
            left += leftDepth;
            right += rightStride;
        }

        Put(sum0, result, remaining, accumulate);
        Put(sum1, result + resultStride, remaining, accumulate);
        Put(sum2, result + 2 * resultStride, remaining, accumulate);
        Put(sum3, result + 3 * resultStride, remaining, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(float* left, nint leftDepth, float* right, nint rightStride, float* result, int remaining, int depth, bool accumulate)
    {
        TVector sum = TVector.Zero;
        for (int k = 0; k < depth; k++)
        {
            sum = TVector.MultiplyAdd(TVector.Broadcast(*left), TVector.Load(right), sum);
            left += leftDepth;
            right += rightStride;
        }

        Put(sum, result, remaining, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(TVector sum, float* result, int remaining, bool accumulate)
    {
        if (accumulate)
        {
            sum = Lanes.Load<TVector>(result, remaining) + sum;
        }

        Lanes.Store(sum, result, remaining);
    }
}
