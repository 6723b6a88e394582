using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cuda.Interop;
using static MnrEngine.Kernels.Cuda.CudaStatus;

namespace MnrEngine.Kernels.Cuda;

/// <summary>A GPU, as the driver describes it.</summary>
/// <param name="Ordinal">Its number, from 0.</param>
/// <param name="Name">Its name: "NVIDIA H100 80GB HBM3".</param>
/// <param name="ComputeCapability">Its generation: 9.0.</param>
/// <param name="Multiprocessors">How many blocks it runs side by side at least.</param>
/// <param name="Bytes">Its memory.</param>
/// <param name="SharedBytesPerBlock">The most shared memory of a block.</param>
public sealed unsafe record CudaDevice(int Ordinal, string Name, Version ComputeCapability, int Multiprocessors, long Bytes, int SharedBytesPerBlock)
{
    /// <summary>The oldest generation that the kernels are made for: bf16 and asynchronous copies come with 8.0.</summary>
    public static readonly Version OldestCapability = new(8, 0);

    /// <summary>The driver's handle.</summary>
    internal int Handle { get; private init; }

    /// <summary>The CUDA version that the driver brings: 12.8.</summary>
    /// <exception cref="CudaException">There is no driver.</exception>
    public static Version DriverVersion
    {
        get
        {
            Start();
            int version;
            Check(CudaDriver.cuDriverGetVersion(&version), $"cuDriverGetVersion");
            return new Version(version / 1000, version % 1000 / 10);
        }
    }

    /// <summary>All GPUs that this process may use (CUDA_VISIBLE_DEVICES hides some).</summary>
    /// <exception cref="CudaException">There is no driver, or it does not work.</exception>
    public static IReadOnlyList<CudaDevice> All
    {
        get
        {
            Start();
            int count;
            Check(CudaDriver.cuDeviceGetCount(&count), $"cuDeviceGetCount");
            return [.. Enumerable.Range(0, count).Select(Describe)];
        }
    }

    /// <summary>The GPU of a number.</summary>
    /// <exception cref="CudaException">There is none.</exception>
    internal static CudaDevice Find(int ordinal)
    {
        IReadOnlyList<CudaDevice> all = All;
        return ordinal < all.Count
            ? all[ordinal]
            : throw new CudaException(all.Count == 0 ? "the NVIDIA driver finds no GPU" : $"there is no GPU {ordinal}: the NVIDIA driver finds {all.Count}, numbered from 0");
    }

    /// <summary>"GPU 0 (NVIDIA H100 80GB HBM3)".</summary>
    public override string ToString() => $"GPU {Ordinal} ({Name})";

    private static void Start()
    {
        CudaLibraries.Require(CudaLibraries.Driver);
        CudaResult status = CudaDriver.cuInit(0);
        if (status == CudaResult.NoDevice)
        {
            throw new CudaException("the NVIDIA driver finds no GPU");
        }

        Check(status, $"starting the NVIDIA driver {CudaLibraries.Driver.Path}");
    }

    private static CudaDevice Describe(int ordinal)
    {
        const int Length = 256;
        int handle;
        Check(CudaDriver.cuDeviceGet(&handle, ordinal), $"cuDeviceGet of GPU {ordinal}");
        byte* name = stackalloc byte[Length];
        Check(CudaDriver.cuDeviceGetName(name, Length, handle), $"cuDeviceGetName of GPU {ordinal}");
        nuint bytes;
        Check(CudaDriver.cuDeviceTotalMem_v2(&bytes, handle), $"cuDeviceTotalMem of GPU {ordinal}");
        return new CudaDevice(
            ordinal,
            Marshal.PtrToStringUTF8((nint)name)!,
            new Version(Attribute(handle, DeviceAttribute.ComputeCapabilityMajor), Attribute(handle, DeviceAttribute.ComputeCapabilityMinor)),
            Attribute(handle, DeviceAttribute.MultiprocessorCount),
            (long)bytes,
            Attribute(handle, DeviceAttribute.MaxSharedMemoryPerBlockOptin))
        {
            Handle = handle,
        };
    }

    private static int Attribute(int handle, DeviceAttribute attribute)
    {
        int value;
        Check(CudaDriver.cuDeviceGetAttribute(&value, attribute, handle), $"cuDeviceGetAttribute {attribute}");
        return value;
    }
}
