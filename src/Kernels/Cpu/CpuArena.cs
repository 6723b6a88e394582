namespace MnrEngine.Kernels.Cpu;

/// <summary>An arena in the process's own memory.</summary>
internal sealed class CpuArena : DeviceArena
{
    private readonly NativeBuffer _buffer;

    /// <summary>Reserves memory filled with zeros.</summary>
    public unsafe CpuArena(string label, long bytes)
        : this(label, bytes, Reserve(label, bytes))
    {
    }

    private unsafe CpuArena(string label, long bytes, NativeBuffer buffer)
        : base(label, Aligned((nint)buffer.Pointer), bytes) => _buffer = buffer;

    /// <inheritdoc/>
    protected override void Release() => _buffer.Dispose();

    private static NativeBuffer Reserve(string label, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        try
        {
            return new NativeBuffer((nuint)bytes + Alignment);
        }
        catch (OutOfMemoryException exception)
        {
            throw new OutOfMemoryException($"there is no room for the {bytes:N0} bytes of '{label}'", exception);
        }
    }

    private static nint Aligned(nint address) => (address + Alignment - 1) / Alignment * Alignment;
}
