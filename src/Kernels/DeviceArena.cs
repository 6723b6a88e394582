namespace MnrEngine.Kernels;

/// <summary>
/// A region of device memory from which tensors are cut, one behind the other. It is obtained from <see cref="IKernels.CreateArena"/>,
/// filled with zeros, and released as a whole; a tensor cut from it does not outlive it.
/// </summary>
public abstract class DeviceArena : IDisposable
{
    /// <summary>The alignment in bytes of every tensor cut from an arena.</summary>
    public const int Alignment = 256;

    /// <summary>Describes memory that a derived class has reserved.</summary>
    /// <param name="label">What the memory is for; it appears in error messages.</param>
    /// <param name="address">The first byte, aligned to <see cref="Alignment"/>; on a GPU this is a device address.</param>
    /// <param name="bytes">The arena's size.</param>
    protected DeviceArena(string label, nint address, long bytes)
    {
        Label = label;
        Address = address;
        Bytes = bytes;
    }

    /// <summary>What the memory is for.</summary>
    public string Label { get; }

    /// <summary>The first byte; zero once released.</summary>
    public nint Address { get; protected set; }

    /// <summary>The arena's size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>How many bytes have been handed out, padding for alignment included.</summary>
    public long Used { get; private set; }

    /// <summary>The bytes that a tensor of this shape takes in an arena, padding included.</summary>
    public static long BytesOf(ElementType type, int rows, int columns) =>
        ((long)rows * columns * type.Bytes() + Alignment - 1) / Alignment * Alignment;

    /// <summary>Cuts the next tensor from the arena.</summary>
    /// <exception cref="InvalidOperationException">The arena is too small for it.</exception>
    public Tensor Allocate(ElementType type, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        long bytes = BytesOf(type, rows, columns);
        if (Used + bytes > Bytes)
        {
            throw new InvalidOperationException(
                $"arena '{Label}' of {Bytes:N0} bytes has {Bytes - Used:N0} left; {rows} x {columns} {type} takes {bytes:N0}");
        }

        Tensor tensor = new(this, Used, type, rows, columns);
        Used += bytes;
        return tensor;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Address != 0)
        {
            Release();
            Address = 0;
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back; called once.</summary>
    protected abstract void Release();
}
