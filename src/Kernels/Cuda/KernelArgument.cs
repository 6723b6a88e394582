namespace MnrEngine.Kernels.Cuda;

/// <summary>One argument of a kernel: eight bytes, of which the kernel reads as many as its parameter has. Arrays of them lie on the stack, so a launch makes no garbage.</summary>
internal readonly struct KernelArgument
{
    // x86-64 and arm64 are little-endian: the lower half of the eight bytes comes first.
    private readonly ulong _bits;

    private KernelArgument(ulong bits) => _bits = bits;

    /// <summary>A tensor's address; null for none.</summary>
    public static implicit operator KernelArgument(in Tensor tensor) => new(tensor.IsNone ? 0 : (ulong)tensor.Address);

    /// <summary>An address.</summary>
    public static implicit operator KernelArgument(nint address) => new((ulong)address);

    /// <summary>An int.</summary>
    public static implicit operator KernelArgument(int value) => new((uint)value);

    /// <summary>An unsigned.</summary>
    public static implicit operator KernelArgument(uint value) => new(value);

    /// <summary>A long long.</summary>
    public static implicit operator KernelArgument(long value) => new((ulong)value);

    /// <summary>A float.</summary>
    public static implicit operator KernelArgument(float value) => new(BitConverter.SingleToUInt32Bits(value));

    /// <summary>A flag: int 1 or 0.</summary>
    public static implicit operator KernelArgument(bool value) => new(value ? 1u : 0u);
}

/// <summary>How many threads run a kernel.</summary>
/// <param name="GridX">Blocks along x.</param>
/// <param name="GridY">Blocks along y.</param>
/// <param name="GridZ">Blocks along z.</param>
/// <param name="Block">Threads of a block.</param>
/// <param name="SharedBytes">Dynamic shared memory of a block.</param>
internal readonly record struct LaunchShape(int GridX, int GridY, int GridZ, int Block, int SharedBytes)
{
    /// <summary>A row of blocks.</summary>
    public LaunchShape(int grid, int block, int sharedBytes = 0)
        : this(grid, 1, 1, block, sharedBytes)
    {
    }

    public override string ToString() => $"grid ({GridX}, {GridY}, {GridZ}), block {Block}, {SharedBytes:N0} bytes of shared memory";
}
