namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// A register of floats: what every vector loop of the CPU kernels is written over, once for all instruction sets. The JIT compiles each
/// loop anew for each implementing struct, with the constants below folded and every member one or two instructions.
/// </summary>
/// <remarks>
/// Masks are vectors whose lanes have all bits set or none. Where a NaN meets <see cref="Min"/> or <see cref="Max"/> the second operand
/// is returned if it is the NaN, so that a bound written first keeps it.
/// </remarks>
internal unsafe interface IFloatVector<TSelf>
    where TSelf : struct, IFloatVector<TSelf>
{
    /// <summary>Lanes of a register.</summary>
    static abstract int Count { get; }

    /// <summary>Rows of the GEMM's register tile, which is two registers wide; as many as leave room for three operands.</summary>
    static abstract int TileRows { get; }

    static abstract CpuInstructionSet InstructionSet { get; }

    static abstract TSelf Zero { get; }

    static abstract TSelf Broadcast(float value);

    /// <summary>A vector whose lanes all have these bits.</summary>
    static abstract TSelf BroadcastBits(uint bits);

    static abstract TSelf Load(float* source);

    /// <summary>Loads the first lanes and sets the others to zero; touches no memory beyond them.</summary>
    static abstract TSelf LoadFirst(float* source, int count);

    static abstract void Store(TSelf value, float* destination);

    /// <summary>Stores the first lanes; touches no memory beyond them.</summary>
    static abstract void StoreFirst(TSelf value, float* destination, int count);

    static abstract TSelf operator +(TSelf left, TSelf right);

    static abstract TSelf operator -(TSelf left, TSelf right);

    static abstract TSelf operator *(TSelf left, TSelf right);

    static abstract TSelf operator /(TSelf left, TSelf right);

    static abstract TSelf operator &(TSelf left, TSelf right);

    static abstract TSelf operator |(TSelf left, TSelf right);

    static abstract TSelf operator ^(TSelf left, TSelf right);

    /// <summary>left * right + addend, rounded once where the machine can.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf addend);

    /// <summary>sum += left * right, rounded as <see cref="MultiplyAdd"/>.</summary>
    /// <remarks>
    /// For loops that hold many sums in registers: assigned in place, a sum stays in its register, while the result of <see cref="MultiplyAdd"/>
    /// goes through a copy of the struct, which .NET 10's JIT turns into two more moves.
    /// </remarks>
    static abstract void Accumulate(ref TSelf sum, TSelf left, TSelf right);

    static abstract TSelf Min(TSelf left, TSelf right);

    static abstract TSelf Max(TSelf left, TSelf right);

    static abstract TSelf Sqrt(TSelf value);

    /// <summary>To the nearest integer, halves to even.</summary>
    static abstract TSelf Round(TSelf value);

    /// <summary>The mask of lanes where left is less than right.</summary>
    static abstract TSelf Less(TSelf left, TSelf right);

    /// <summary>The mask of lanes where left equals right.</summary>
    static abstract TSelf Equal(TSelf left, TSelf right);

    /// <summary>Where the mask is set the second operand, elsewhere the third.</summary>
    static abstract TSelf Select(TSelf mask, TSelf whenSet, TSelf whenClear);

    /// <summary>value * 2^exponent for a value in [0.5, 2] and an integral exponent in [-150, 128]; overflows to infinity, rounds once to denormals.</summary>
    static abstract TSelf ScaleByPowerOfTwo(TSelf value, TSelf exponent);

    /// <summary>The integer e with 2^e &lt;= value &lt; 2^(e + 1), for normal positive finite values.</summary>
    static abstract TSelf Exponent(TSelf value);

    /// <summary>value / 2^e, in [1, 2), for normal positive finite values.</summary>
    static abstract TSelf Mantissa(TSelf value);

    /// <summary>The sum of the lanes, by halves: an order that depends only on the width.</summary>
    static abstract float Sum(TSelf value);

    /// <summary>The largest lane.</summary>
    static abstract float Largest(TSelf value);
}
