namespace MnrEngine.Kernels.Cuda;

/// <summary>
/// The functions of NVIDIA's libraries that are imported, to be looked up when a library is opened. A list of their own, because compiled ahead of time the program does not know the imports'
/// names; a test compares it with them.
/// </summary>
internal static class ImportedFunctions
{
    /// <summary>The driver's.</summary>
    public static IReadOnlyList<string> Driver { get; } =
    [
        nameof(Interop.CudaDriver.cuInit),
        nameof(Interop.CudaDriver.cuDriverGetVersion),
        nameof(Interop.CudaDriver.cuGetErrorName),
        nameof(Interop.CudaDriver.cuGetErrorString),
        nameof(Interop.CudaDriver.cuDeviceGetCount),
        nameof(Interop.CudaDriver.cuDeviceGet),
        nameof(Interop.CudaDriver.cuDeviceGetName),
        nameof(Interop.CudaDriver.cuDeviceGetAttribute),
        nameof(Interop.CudaDriver.cuDeviceTotalMem_v2),
        nameof(Interop.CudaDriver.cuDevicePrimaryCtxRetain),
        nameof(Interop.CudaDriver.cuDevicePrimaryCtxRelease_v2),
        nameof(Interop.CudaDriver.cuCtxSetCurrent),
        nameof(Interop.CudaDriver.cuMemGetInfo_v2),
        nameof(Interop.CudaDriver.cuMemAlloc_v2),
        nameof(Interop.CudaDriver.cuMemFree_v2),
        nameof(Interop.CudaDriver.cuMemHostAlloc),
        nameof(Interop.CudaDriver.cuMemFreeHost),
        nameof(Interop.CudaDriver.cuMemcpyHtoDAsync_v2),
        nameof(Interop.CudaDriver.cuMemcpyDtoHAsync_v2),
        nameof(Interop.CudaDriver.cuMemcpyDtoDAsync_v2),
        nameof(Interop.CudaDriver.cuMemsetD8Async),
        nameof(Interop.CudaDriver.cuModuleLoadDataEx),
        nameof(Interop.CudaDriver.cuModuleGetFunction),
        nameof(Interop.CudaDriver.cuModuleUnload),
        nameof(Interop.CudaDriver.cuFuncSetAttribute),
        nameof(Interop.CudaDriver.cuLaunchKernel),
        nameof(Interop.CudaDriver.cuStreamCreate),
        nameof(Interop.CudaDriver.cuStreamDestroy_v2),
        nameof(Interop.CudaDriver.cuStreamSynchronize),
        nameof(Interop.CudaDriver.cuStreamBeginCapture_v2),
        nameof(Interop.CudaDriver.cuStreamEndCapture),
        nameof(Interop.CudaDriver.cuEventCreate),
        nameof(Interop.CudaDriver.cuEventDestroy_v2),
        nameof(Interop.CudaDriver.cuEventRecord),
        nameof(Interop.CudaDriver.cuEventSynchronize),
        nameof(Interop.CudaDriver.cuEventElapsedTime),
        nameof(Interop.CudaDriver.cuProfilerStart),
        nameof(Interop.CudaDriver.cuProfilerStop),
        nameof(Interop.CudaDriver.cuGraphInstantiateWithFlags),
        nameof(Interop.CudaDriver.cuGraphDestroy),
        nameof(Interop.CudaDriver.cuGraphLaunch),
        nameof(Interop.CudaDriver.cuGraphExecDestroy),
    ];

    /// <summary>cublasLt's.</summary>
    public static IReadOnlyList<string> CublasLt { get; } =
    [
        nameof(Interop.CublasLt.cublasLtGetVersion),
        nameof(Interop.CublasLt.cublasLtGetCudartVersion),
        nameof(Interop.CublasLt.cublasLtCreate),
        nameof(Interop.CublasLt.cublasLtDestroy),
        nameof(Interop.CublasLt.cublasLtMatmulDescCreate),
        nameof(Interop.CublasLt.cublasLtMatmulDescSetAttribute),
        nameof(Interop.CublasLt.cublasLtMatmulDescDestroy),
        nameof(Interop.CublasLt.cublasLtMatrixLayoutCreate),
        nameof(Interop.CublasLt.cublasLtMatrixLayoutDestroy),
        nameof(Interop.CublasLt.cublasLtMatmulPreferenceCreate),
        nameof(Interop.CublasLt.cublasLtMatmulPreferenceSetAttribute),
        nameof(Interop.CublasLt.cublasLtMatmulPreferenceDestroy),
        nameof(Interop.CublasLt.cublasLtMatmulAlgoGetHeuristic),
        nameof(Interop.CublasLt.cublasLtMatmul),
    ];

    /// <summary>NVRTC's.</summary>
    public static IReadOnlyList<string> Nvrtc { get; } =
    [
        nameof(Interop.Nvrtc.nvrtcVersion),
        nameof(Interop.Nvrtc.nvrtcGetErrorString),
        nameof(Interop.Nvrtc.nvrtcGetNumSupportedArchs),
        nameof(Interop.Nvrtc.nvrtcGetSupportedArchs),
        nameof(Interop.Nvrtc.nvrtcCreateProgram),
        nameof(Interop.Nvrtc.nvrtcDestroyProgram),
        nameof(Interop.Nvrtc.nvrtcCompileProgram),
        nameof(Interop.Nvrtc.nvrtcGetProgramLogSize),
        nameof(Interop.Nvrtc.nvrtcGetProgramLog),
        nameof(Interop.Nvrtc.nvrtcGetCUBINSize),
        nameof(Interop.Nvrtc.nvrtcGetCUBIN),
        nameof(Interop.Nvrtc.nvrtcGetPTXSize),
        nameof(Interop.Nvrtc.nvrtcGetPTX),
    ];
}
