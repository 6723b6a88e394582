using System.Runtime.InteropServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>Zeroed memory outside the managed heap, aligned as tensors are (<see cref="DeviceArena.Alignment"/>). Nobody may use it while it is disposed.</summary>
public sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Alignment = DeviceArena.Alignment;

    private void* _block;

    /// <summary>Reserves memory filled with zeros. The system maps its pages when they are first touched.</summary>
    /// <param name="bytes">The size; zero is allowed.</param>
    /// <exception cref="OutOfMemoryException">There is not that much left.</exception>
    public NativeBuffer(nuint bytes)
    {
        Bytes = bytes;

        // calloc, unlike an aligned allocation followed by a fill, leaves fresh pages untouched until they are used.
        _block = NativeMemory.AllocZeroed(checked(bytes + Alignment));
        HugePages.Advise(_block, bytes + Alignment);
        GC.AddMemoryPressure(checked((long)(bytes + Alignment)));
    }

    /// <summary>Frees the memory if <see cref="Dispose"/> was not called.</summary>
    ~NativeBuffer() => Free();

    /// <summary>The size in bytes.</summary>
    public nuint Bytes { get; }

    /// <summary>The first byte.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    public void* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_block is null, this);
            return (void*)(((nuint)_block + Alignment - 1) & ~(Alignment - 1));
        }
    }

    /// <summary>The first float.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    public float* Floats => (float*)Pointer;

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>A buffer that holds at least so many floats: the given one if it is large enough, else a new one in its place.</summary>
    internal static float* Grow(ref NativeBuffer? buffer, long floats)
    {
        nuint bytes = (nuint)floats * sizeof(float);
        if (buffer is null || buffer.Bytes < bytes)
        {
            buffer?.Dispose();
            buffer = null;
            buffer = new NativeBuffer(bytes);
        }

        return buffer.Floats;
    }

    private void Free()
    {
        if (_block is not null)
        {
            NativeMemory.Free(_block);
            _block = null;
            GC.RemoveMemoryPressure((long)(Bytes + Alignment));
        }
    }
}
