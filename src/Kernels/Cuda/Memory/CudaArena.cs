namespace MnrEngine.Kernels.Cuda.Memory;

/// <summary>An arena in a GPU's memory. It is released when it is disposed, never by a finalizer.</summary>
internal sealed class CudaArena : DeviceArena
{
    private readonly CudaContext _context;
    private readonly Action<CudaArena>? _released;

    /// <summary>Reserves memory filled with zeros.</summary>
    /// <param name="context">The GPU.</param>
    /// <param name="label">What it is for.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="released">Told before the memory is given back.</param>
    /// <exception cref="OutOfMemoryException">There is no room.</exception>
    public CudaArena(CudaContext context, string label, long bytes, Action<CudaArena>? released = null)
        : base(label, context.Allocate(label, bytes), bytes)
    {
        _context = context;
        _released = released;
        if (bytes > 0)
        {
            context.SetBytes(Address, 0, bytes);
        }
    }

    /// <inheritdoc/>
    protected override void Release()
    {
        _released?.Invoke(this);
        _context.Free(Address);
    }
}
