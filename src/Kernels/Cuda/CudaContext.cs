using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cuda.Compilation;
using MnrEngine.Kernels.Cuda.Interop;
using static MnrEngine.Kernels.Cuda.CudaStatus;

namespace MnrEngine.Kernels.Cuda;

/// <summary>
/// One GPU: its primary context, the one stream on which everything runs, its memory, and launches. The context is made current for each thread that
/// calls in, once.
/// </summary>
internal sealed unsafe class CudaContext : IDisposable
{
    /// <summary>Shared memory that every kernel may use without asking.</summary>
    private const int ModestSharedBytes = 48 * 1024;

    /// <summary>Set to 1 to wait behind every launch, so that an error is reported by the operation that made it; no step is recorded then.</summary>
    public const string SynchronousVariable = "MNR_CUDA_SYNC";

    private static int s_contexts;

    [ThreadStatic]
    private static int t_current;

    private readonly int _number = Interlocked.Increment(ref s_contexts);
    private readonly nint _context;

    /// <summary>Opens a GPU.</summary>
    /// <exception cref="CudaException">There is none of this number, or it can't be used.</exception>
    public CudaContext(int ordinal)
    {
        Device = CudaDevice.Find(ordinal);
        fixed (nint* context = &_context)
        {
            Check(CudaDriver.cuDevicePrimaryCtxRetain(context, Device.Handle), $"opening {Device}");
        }

        try
        {
            Use();
            nint stream;
            Check(CudaDriver.cuStreamCreate(&stream, StreamFlags.NonBlocking), $"cuStreamCreate on {Device}");
            Stream = stream;
        }
        catch
        {
            CudaDriver.cuDevicePrimaryCtxRelease_v2(Device.Handle);
            throw;
        }
    }

    /// <summary>Which GPU this is.</summary>
    public CudaDevice Device { get; }

    /// <summary>The stream of everything.</summary>
    public nint Stream { get; }

    /// <summary>See <see cref="SynchronousVariable"/>.</summary>
    public bool IsSynchronous { get; } = Environment.GetEnvironmentVariable(SynchronousVariable) == "1";

    /// <summary>Makes the context the calling thread's, if it is not.</summary>
    public void Use()
    {
        if (t_current != _number)
        {
            Check(CudaDriver.cuCtxSetCurrent(_context), $"cuCtxSetCurrent for {Device}");
            t_current = _number;
        }
    }

    /// <summary>Reserves device memory, aligned to <see cref="DeviceArena.Alignment"/> at least, not cleared.</summary>
    /// <exception cref="OutOfMemoryException">There is no room.</exception>
    public nint Allocate(string label, long bytes)
    {
        Use();
        nint address;
        CudaResult status = CudaDriver.cuMemAlloc_v2(&address, (nuint)Math.Max(bytes, DeviceArena.Alignment));
        if (status == CudaResult.OutOfMemory)
        {
            throw OutOfMemory(FormattableString.Invariant($"{Device} has no room for the {bytes:N0} bytes of '{label}'"));
        }

        Check(status, $"cuMemAlloc of {bytes:N0} bytes for '{label}'");
        return address;
    }

    /// <summary>Gives device memory back, behind everything that runs. A status is of no use here: after a failure every call fails.</summary>
    public void Free(nint address)
    {
        Use();
        CudaDriver.cuMemFree_v2(address);
    }

    /// <summary>Sets every byte.</summary>
    public void SetBytes(nint address, byte value, long bytes)
    {
        Use();
        Check(CudaDriver.cuMemsetD8Async(address, value, (nuint)bytes, Stream), $"cuMemsetD8Async of {bytes:N0} bytes");
    }

    /// <summary>Copies from the host, whose memory has to be pinned and left alone until the copy is done.</summary>
    public void CopyFromPinned(nint destination, void* source, long bytes)
    {
        Use();
        Check(CudaDriver.cuMemcpyHtoDAsync_v2(destination, source, (nuint)bytes, Stream), $"cuMemcpyHtoDAsync of {bytes:N0} bytes");
    }

    /// <summary>Copies on the device.</summary>
    public void Copy(nint destination, nint source, long bytes)
    {
        Use();
        Check(CudaDriver.cuMemcpyDtoDAsync_v2(destination, source, (nuint)bytes, Stream), $"cuMemcpyDtoDAsync of {bytes:N0} bytes");
    }

    /// <summary>Waits for everything and copies to the host.</summary>
    public void Read(void* destination, nint source, long bytes)
    {
        Use();
        Check(CudaDriver.cuMemcpyDtoHAsync_v2(destination, source, (nuint)bytes, Stream), $"cuMemcpyDtoHAsync of {bytes:N0} bytes");
        Synchronize();
    }

    /// <summary>Waits for everything.</summary>
    public void Synchronize()
    {
        Use();
        Check(CudaDriver.cuStreamSynchronize(Stream), $"an operation before this wait on {Device} ({SynchronousVariable}=1 tells which)");
    }

    /// <summary>Queues a kernel.</summary>
    public void Launch(KernelFunction function, in LaunchShape shape, params ReadOnlySpan<KernelArgument> arguments)
    {
        Use();
        if (shape.SharedBytes > Math.Max(ModestSharedBytes, function.SharedBytesAllowed))
        {
            Check(
                CudaDriver.cuFuncSetAttribute(function.Handle, FunctionAttribute.MaxDynamicSharedSizeBytes, shape.SharedBytes),
                $"allowing {function.Name} {shape.SharedBytes:N0} bytes of shared memory, of {Device.SharedBytesPerBlock:N0} that a block may have,");
            function.SharedBytesAllowed = shape.SharedBytes;
        }

        void** pointers = stackalloc void*[arguments.Length];
        fixed (KernelArgument* values = arguments)
        {
            for (int i = 0; i < arguments.Length; i++)
            {
                pointers[i] = values + i;
            }

            Check(
                CudaDriver.cuLaunchKernel(
                    function.Handle, (uint)shape.GridX, (uint)shape.GridY, (uint)shape.GridZ, (uint)shape.Block, 1, 1, (uint)shape.SharedBytes, Stream, pointers, null),
                $"launching {function.Name} with {shape}");
        }

        KernelUse.Launched?.TryAdd(function.Name, true);
        if (IsSynchronous)
        {
            Check(CudaDriver.cuStreamSynchronize(Stream), $"{function.Name} with {shape}");
        }
    }

    /// <summary>Pinned host memory.</summary>
    public void* AllocatePinned(string label, long bytes)
    {
        Use();
        void* address;
        Check(CudaDriver.cuMemHostAlloc(&address, (nuint)bytes, 0), $"cuMemHostAlloc of {bytes:N0} bytes for '{label}'");
        return address;
    }

    /// <summary>Gives pinned memory back.</summary>
    public void FreePinned(void* address)
    {
        Use();
        CudaDriver.cuMemFreeHost(address);
    }

    /// <summary>An event, for waiting only.</summary>
    public nint CreateEvent() => CreateEvent(EventFlags.DisableTiming);

    /// <summary>An event that has a time.</summary>
    public nint CreateTimedEvent() => CreateEvent(EventFlags.Default);

    /// <summary>Marks this place in the stream.</summary>
    public void Record(nint gpuEvent)
    {
        Use();
        Check(CudaDriver.cuEventRecord(gpuEvent, Stream), $"cuEventRecord");
    }

    /// <summary>Waits until the GPU has passed the place that was marked.</summary>
    public void Wait(nint gpuEvent)
    {
        Use();
        Check(CudaDriver.cuEventSynchronize(gpuEvent), $"an operation before this wait on {Device} ({SynchronousVariable}=1 tells which)");
    }

    /// <summary>Lets an event go.</summary>
    public void DestroyEvent(nint gpuEvent)
    {
        Use();
        CudaDriver.cuEventDestroy_v2(gpuEvent);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CudaDriver.cuCtxSetCurrent(_context);
        CudaDriver.cuStreamSynchronize(Stream);
        CudaDriver.cuStreamDestroy_v2(Stream);
        CudaDriver.cuDevicePrimaryCtxRelease_v2(Device.Handle);
        t_current = 0;
    }

    private nint CreateEvent(EventFlags flags)
    {
        Use();
        nint gpuEvent;
        Check(CudaDriver.cuEventCreate(&gpuEvent, flags), $"cuEventCreate");
        return gpuEvent;
    }
}
