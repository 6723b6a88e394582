using System.Runtime.InteropServices;

namespace MnrEngine.Kernels.Cuda.Interop;

/// <summary>NVRTC's functions, as nvrtc.h of CUDA 11.2 and later declares them.</summary>
internal static unsafe partial class Nvrtc
{
    private const string Library = CudaLibraries.NvrtcName;

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcVersion(int* major, int* minor);

    [LibraryImport(Library)]
    internal static partial byte* nvrtcGetErrorString(NvrtcResult result);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcGetNumSupportedArchs(int* count);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcGetSupportedArchs(int* architectures);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcCreateProgram(nint* program, byte* source, byte* name, int headerCount, byte** headers, byte** includeNames);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcDestroyProgram(nint* program);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcCompileProgram(nint program, int optionCount, byte** options);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcGetProgramLogSize(nint program, nuint* bytes);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcGetProgramLog(nint program, byte* log);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcGetCUBINSize(nint program, nuint* bytes);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcGetCUBIN(nint program, byte* image);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcGetPTXSize(nint program, nuint* bytes);

    [LibraryImport(Library)]
    internal static partial NvrtcResult nvrtcGetPTX(nint program, byte* image);
}

/// <summary>Statuses of NVRTC.</summary>
internal enum NvrtcResult
{
    Success = 0,
    OutOfMemory = 1,
    ProgramCreationFailure = 2,
    InvalidInput = 3,
    InvalidProgram = 4,
    InvalidOption = 5,
    Compilation = 6,
}
