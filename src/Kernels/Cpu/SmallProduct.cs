using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Products of the small matrices of attention, on one thread: too small to be worth packing both operands. The left operand may have any strides, so
/// that a transpose costs nothing; the right one lies in whole registers.
/// </summary>
/// <remarks>
/// A tile is eight rows by one register, or by two where there are registers for it (AVX-512): two loads and eight broadcasts then feed sixteen multiplications.
/// What is left over of the rows is done by a tile that begins earlier and does some rows once more, since a single row waits for each of its own
/// sums. Each element is summed in the order of the depth, whatever the tile.
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
        // Rows done once more would be added once more.
        int most = accumulate ? 0 : rows;
        int step;
        for (int column = 0; column < columns; column += step)
        {
            int remaining = columns - column;
            bool isTwo = TVector.InstructionSet == CpuInstructionSet.Avx512 && remaining > TVector.Count && most >= 8;
            step = isTwo ? 2 * TVector.Count : TVector.Count;
            int height;
            for (int next = 0; next < rows; next += height)
            {
                int available = Math.Max(rows - next, most);
                height = available >= 8 ? 8 : available >= 4 ? 4 : 1;
                next = Math.Min(next, rows - height);
                float* from = left + next * leftRow;
                float* to = result + next * resultStride + column;
                if (isTwo)
                {
                    EightRowsOfTwo(from, leftRow, leftDepth, right + column, rightStride, to, resultStride, remaining, depth);
                }
                else if (height == 8)
                {
                    EightRows(from, leftRow, leftDepth, right + column, rightStride, to, resultStride, remaining, depth, accumulate);
                }
                else if (height == 4)
                {
                    FourRows(from, leftRow, leftDepth, right + column, rightStride, to, resultStride, remaining, depth, accumulate);
                }
                else
                {
                    OneRow(from, leftDepth, right + column, rightStride, to, remaining, depth, accumulate);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightRowsOfTwo(float* left, nint leftRow, nint leftDepth, float* right, nint rightStride, float* result, nint resultStride, int remaining, int depth)
    {
        TVector low0 = TVector.Zero, high0 = TVector.Zero;
        TVector low1 = TVector.Zero, high1 = TVector.Zero;
        TVector low2 = TVector.Zero, high2 = TVector.Zero;
        TVector low3 = TVector.Zero, high3 = TVector.Zero;
        TVector low4 = TVector.Zero, high4 = TVector.Zero;
        TVector low5 = TVector.Zero, high5 = TVector.Zero;
        TVector low6 = TVector.Zero, high6 = TVector.Zero;
        TVector low7 = TVector.Zero, high7 = TVector.Zero;
        float* left4 = left + 4 * leftRow;
        nint leftRow3 = 3 * leftRow;
        for (int k = 0; k < depth; k++)
        {
            TVector low = TVector.Load(right);
            TVector high = TVector.Load(right + TVector.Count);
            TVector value = TVector.Broadcast(left[0]);
            TVector.Accumulate(ref low0, value, low);
            TVector.Accumulate(ref high0, value, high);
            value = TVector.Broadcast(left[leftRow]);
            TVector.Accumulate(ref low1, value, low);
            TVector.Accumulate(ref high1, value, high);
            value = TVector.Broadcast(left[2 * leftRow]);
            TVector.Accumulate(ref low2, value, low);
            TVector.Accumulate(ref high2, value, high);
            value = TVector.Broadcast(left[leftRow3]);
            TVector.Accumulate(ref low3, value, low);
            TVector.Accumulate(ref high3, value, high);
            value = TVector.Broadcast(left4[0]);
            TVector.Accumulate(ref low4, value, low);
            TVector.Accumulate(ref high4, value, high);
            value = TVector.Broadcast(left4[leftRow]);
            TVector.Accumulate(ref low5, value, low);
            TVector.Accumulate(ref high5, value, high);
            value = TVector.Broadcast(left4[2 * leftRow]);
            TVector.Accumulate(ref low6, value, low);
            TVector.Accumulate(ref high6, value, high);
            value = TVector.Broadcast(left4[leftRow3]);
            TVector.Accumulate(ref low7, value, low);
            TVector.Accumulate(ref high7, value, high);
            left += leftDepth;
            left4 += leftDepth;
            right += rightStride;
        }

        PutTwo(low0, high0, result, remaining);
        PutTwo(low1, high1, result + resultStride, remaining);
        PutTwo(low2, high2, result + 2 * resultStride, remaining);
        PutTwo(low3, high3, result + 3 * resultStride, remaining);
        PutTwo(low4, high4, result + 4 * resultStride, remaining);
        PutTwo(low5, high5, result + 5 * resultStride, remaining);
        PutTwo(low6, high6, result + 6 * resultStride, remaining);
        PutTwo(low7, high7, result + 7 * resultStride, remaining);
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
            TVector.Accumulate(ref sum0, TVector.Broadcast(left[0]), value);
            TVector.Accumulate(ref sum1, TVector.Broadcast(left[leftRow]), value);
            TVector.Accumulate(ref sum2, TVector.Broadcast(left[2 * leftRow]), value);
            TVector.Accumulate(ref sum3, TVector.Broadcast(left[leftRow3]), value);
            TVector.Accumulate(ref sum4, TVector.Broadcast(left4[0]), value);
            TVector.Accumulate(ref sum5, TVector.Broadcast(left4[leftRow]), value);
            TVector.Accumulate(ref sum6, TVector.Broadcast(left4[2 * leftRow]), value);
            TVector.Accumulate(ref sum7, TVector.Broadcast(left4[leftRow3]), value);
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
            TVector.Accumulate(ref sum0, TVector.Broadcast(left[0]), value);
            TVector.Accumulate(ref sum1, TVector.Broadcast(left[leftRow]), value);
            TVector.Accumulate(ref sum2, TVector.Broadcast(left[2 * leftRow]), value);
            TVector.Accumulate(ref sum3, TVector.Broadcast(left[3 * leftRow]), value);
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
            TVector.Accumulate(ref sum, TVector.Broadcast(*left), TVector.Load(right));
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutTwo(TVector low, TVector high, float* result, int remaining)
    {
        TVector.Store(low, result);
        Lanes.Store(high, result + TVector.Count, remaining - TVector.Count);
    }
}
