using System.Runtime.InteropServices;

namespace MnrEngine.Kernels.Cuda.Interop;

/// <summary>The CUDA driver's functions, as cuda.h of CUDA 11.4 and later declares them.</summary>
internal static unsafe partial class CudaDriver
{
    private const string Library = CudaLibraries.DriverName;

    [LibraryImport(Library)]
    internal static partial CudaResult cuInit(uint flags);

    [LibraryImport(Library)]
    internal static partial CudaResult cuDriverGetVersion(int* version);

    [LibraryImport(Library)]
    internal static partial CudaResult cuGetErrorName(CudaResult error, byte** name);

    [LibraryImport(Library)]
    internal static partial CudaResult cuGetErrorString(CudaResult error, byte** text);

    [LibraryImport(Library)]
    internal static partial CudaResult cuDeviceGetCount(int* count);

    [LibraryImport(Library)]
    internal static partial CudaResult cuDeviceGet(int* device, int ordinal);

    [LibraryImport(Library)]
    internal static partial CudaResult cuDeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library)]
    internal static partial CudaResult cuDeviceGetAttribute(int* value, DeviceAttribute attribute, int device);

    [LibraryImport(Library)]
    internal static partial CudaResult cuDeviceTotalMem_v2(nuint* bytes, int device);

    [LibraryImport(Library)]
    internal static partial CudaResult cuDevicePrimaryCtxRetain(nint* context, int device);

    [LibraryImport(Library)]
    internal static partial CudaResult cuDevicePrimaryCtxRelease_v2(int device);

    [LibraryImport(Library)]
    internal static partial CudaResult cuCtxSetCurrent(nint context);

    [LibraryImport(Library)]
    internal static partial CudaResult cuMemGetInfo_v2(nuint* free, nuint* total);

    [LibraryImport(Library)]
    internal static partial CudaResult cuMemAlloc_v2(nint* address, nuint bytes);

    [LibraryImport(Library)]
    internal static partial CudaResult cuMemFree_v2(nint address);

    [LibraryImport(Library)]
    internal static partial CudaResult cuMemHostAlloc(void** address, nuint bytes, uint flags);

    [LibraryImport(Library)]
    internal static partial CudaResult cuMemFreeHost(void* address);

    [LibraryImport(Library)]
    internal static partial CudaResult cuMemcpyHtoDAsync_v2(nint destination, void* source, nuint bytes, nint stream);

    [LibraryImport(Library)]
    internal static partial CudaResult cuMemcpyDtoHAsync_v2(void* destination, nint source, nuint bytes, nint stream);

    [LibraryImport(Library)]
    internal static partial CudaResult cuMemcpyDtoDAsync_v2(nint destination, nint source, nuint bytes, nint stream);

    [LibraryImport(Library)]
    internal static partial CudaResult cuMemsetD8Async(nint destination, byte value, nuint bytes, nint stream);

    [LibraryImport(Library)]
    internal static partial CudaResult cuModuleLoadDataEx(nint* module, void* image, uint optionCount, ModuleOption* options, void** optionValues);

    [LibraryImport(Library)]
    internal static partial CudaResult cuModuleGetFunction(nint* function, nint module, byte* name);

    [LibraryImport(Library)]
    internal static partial CudaResult cuModuleUnload(nint module);

    [LibraryImport(Library)]
    internal static partial CudaResult cuFuncSetAttribute(nint function, FunctionAttribute attribute, int value);

    [LibraryImport(Library)]
    internal static partial CudaResult cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint stream, void** arguments, void** extra);

    [LibraryImport(Library)]
    internal static partial CudaResult cuStreamCreate(nint* stream, StreamFlags flags);

    [LibraryImport(Library)]
    internal static partial CudaResult cuStreamDestroy_v2(nint stream);

    [LibraryImport(Library)]
    internal static partial CudaResult cuStreamSynchronize(nint stream);

    [LibraryImport(Library)]
    internal static partial CudaResult cuStreamBeginCapture_v2(nint stream, CaptureMode mode);

    [LibraryImport(Library)]
    internal static partial CudaResult cuStreamEndCapture(nint stream, nint* graph);

    [LibraryImport(Library)]
    internal static partial CudaResult cuEventCreate(nint* gpuEvent, EventFlags flags);

    [LibraryImport(Library)]
    internal static partial CudaResult cuEventDestroy_v2(nint gpuEvent);

    [LibraryImport(Library)]
    internal static partial CudaResult cuEventRecord(nint gpuEvent, nint stream);

    [LibraryImport(Library)]
    internal static partial CudaResult cuEventSynchronize(nint gpuEvent);

    [LibraryImport(Library)]
    internal static partial CudaResult cuEventElapsedTime(float* milliseconds, nint start, nint end);

    [LibraryImport(Library)]
    internal static partial CudaResult cuProfilerStart();

    [LibraryImport(Library)]
    internal static partial CudaResult cuProfilerStop();

    [LibraryImport(Library)]
    internal static partial CudaResult cuGraphInstantiateWithFlags(nint* executable, nint graph, ulong flags);

    [LibraryImport(Library)]
    internal static partial CudaResult cuGraphDestroy(nint graph);

    [LibraryImport(Library)]
    internal static partial CudaResult cuGraphLaunch(nint executable, nint stream);

    [LibraryImport(Library)]
    internal static partial CudaResult cuGraphExecDestroy(nint executable);
}
