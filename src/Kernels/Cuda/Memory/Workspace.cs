namespace MnrEngine.Kernels.Cuda.Memory;

/// <summary>
/// Device memory for what an operation needs only while it runs. Operations run one after another on one stream, so all share the same bytes. It grows when an operation
/// needs more than was planned, before a step is recorded and never while one is.
/// </summary>
/// <param name="context">The GPU.</param>
/// <param name="replaced">Told when addresses handed out before are no longer right.</param>
internal sealed class Workspace(CudaContext context, Action replaced) : IDisposable
{
    private nint _address;

    /// <summary>Its size.</summary>
    public long Bytes { get; private set; }

    /// <summary>Makes room.</summary>
    public void Reserve(long bytes)
    {
        if (bytes <= Bytes)
        {
            return;
        }

        if (_address != 0)
        {
            replaced();
            context.Free(_address);
            _address = 0;
            Bytes = 0;
        }

        _address = context.Allocate("workspace", bytes);
        Bytes = bytes;
    }

    /// <summary>The address of so many bytes.</summary>
    public nint Take(long bytes)
    {
        Reserve(bytes);
        return _address;
    }

    /// <summary>The addresses of two regions.</summary>
    public (nint First, nint Second) Take(long first, long second)
    {
        nint address = Take(Padded(first) + second);
        return (address, address + (nint)Padded(first));
    }

    /// <summary>The addresses of four regions.</summary>
    public (nint First, nint Second, nint Third, nint Fourth) Take(long first, long second, long third, long fourth)
    {
        nint address = Take(Padded(first) + Padded(second) + Padded(third) + fourth);
        nint secondAddress = address + (nint)Padded(first);
        nint thirdAddress = secondAddress + (nint)Padded(second);
        return (address, secondAddress, thirdAddress, thirdAddress + (nint)Padded(third));
    }

    /// <summary>A size that the next region may follow.</summary>
    public static long Padded(long bytes) => (bytes + DeviceArena.Alignment - 1) / DeviceArena.Alignment * DeviceArena.Alignment;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_address != 0)
        {
            context.Free(_address);
            _address = 0;
        }
    }
}
