using System.Numerics;
using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>As many floats as <see cref="Vector{T}"/> has on this machine.</summary>
internal unsafe struct FloatPortable(Vector<float> lanes) : IFloatVector<FloatPortable>
{
    private Vector<float> _lanes = lanes;

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector<float>.Count;
    }

    public static int TileRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 6;
    }

    public static CpuInstructionSet InstructionSet
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => CpuInstructionSet.Portable;
    }

    public static FloatPortable Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector<float>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Broadcast(float value) => new(new Vector<float>(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable BroadcastBits(uint bits) => new(Vector.AsVectorSingle(new Vector<uint>(bits)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Load(float* source) => new(Vector.Load(source));

    public static FloatPortable LoadFirst(float* source, int count)
    {
        Vector<float> lanes = Vector<float>.Zero;
        Unsafe.CopyBlockUnaligned(&lanes, source, (uint)count * sizeof(float));
        return new(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(FloatPortable value, float* destination) => value._lanes.Store(destination);

    public static void StoreFirst(FloatPortable value, float* destination, int count) =>
        Unsafe.CopyBlockUnaligned(destination, &value, (uint)count * sizeof(float));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable operator +(FloatPortable left, FloatPortable right) => new(left._lanes + right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable operator -(FloatPortable left, FloatPortable right) => new(left._lanes - right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable operator *(FloatPortable left, FloatPortable right) => new(left._lanes * right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable operator /(FloatPortable left, FloatPortable right) => new(left._lanes / right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable operator &(FloatPortable left, FloatPortable right) => new(left._lanes & right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable operator |(FloatPortable left, FloatPortable right) => new(left._lanes | right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable operator ^(FloatPortable left, FloatPortable right) => new(left._lanes ^ right._lanes);

    // Not FusedMultiplyAdd, which calls a software routine for each lane where the machine has no such instruction.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable MultiplyAdd(FloatPortable left, FloatPortable right, FloatPortable addend) =>
        new(Vector.MultiplyAddEstimate(left._lanes, right._lanes, addend._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(ref FloatPortable sum, FloatPortable left, FloatPortable right) => sum._lanes = Vector.MultiplyAddEstimate(left._lanes, right._lanes, sum._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Min(FloatPortable left, FloatPortable right) => new(Vector.MinNative(left._lanes, right._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Max(FloatPortable left, FloatPortable right) => new(Vector.MaxNative(left._lanes, right._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Sqrt(FloatPortable value) => new(Vector.SquareRoot(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Round(FloatPortable value) => new(Vector.Round(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Less(FloatPortable left, FloatPortable right) => new(Vector.AsVectorSingle(Vector.LessThan(left._lanes, right._lanes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Equal(FloatPortable left, FloatPortable right) => new(Vector.AsVectorSingle(Vector.Equals(left._lanes, right._lanes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Select(FloatPortable mask, FloatPortable whenSet, FloatPortable whenClear) =>
        new(Vector.ConditionalSelect(mask._lanes, whenSet._lanes, whenClear._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable ScaleByPowerOfTwo(FloatPortable value, FloatPortable exponent)
    {
        // In two halves, because 2^exponent itself may be no normal float while the product is in range.
        Vector<int> whole = Vector.ConvertToInt32Native(exponent._lanes);
        Vector<int> half = Vector.ShiftRightArithmetic(whole, 1);
        return new(value._lanes * PowerOfTwo(half) * PowerOfTwo(whole - half));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Exponent(FloatPortable value) =>
        new(Vector.ConvertToSingle(Vector.ShiftRightLogical(Vector.AsVectorInt32(value._lanes), 23) - new Vector<int>(127)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPortable Mantissa(FloatPortable value) =>
        new(Vector.AsVectorSingle((Vector.AsVectorUInt32(value._lanes) & new Vector<uint>(0x007F_FFFFu)) | new Vector<uint>(0x3F80_0000u)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(FloatPortable value) => Vector.Sum(value._lanes);

    public static float Largest(FloatPortable value)
    {
        float largest = value._lanes[0];
        for (int lane = 1; lane < Vector<float>.Count; lane++)
        {
            largest = MathF.Max(largest, value._lanes[lane]);
        }

        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> PowerOfTwo(Vector<int> exponent) => Vector.AsVectorSingle(Vector.ShiftLeft(exponent + new Vector<int>(127), 23));
}
