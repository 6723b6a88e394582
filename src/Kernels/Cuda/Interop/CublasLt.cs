using System.Runtime.InteropServices;

namespace MnrEngine.Kernels.Cuda.Interop;

/// <summary>cublasLt's functions, as cublasLt.h of CUDA 11 and later declares them.</summary>
internal static unsafe partial class CublasLt
{
    private const string Library = CudaLibraries.CublasLtName;

    [LibraryImport(Library)]
    internal static partial nuint cublasLtGetVersion();

    [LibraryImport(Library)]
    internal static partial nuint cublasLtGetCudartVersion();

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtCreate(nint* handle);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtDestroy(nint handle);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtMatmulDescCreate(nint* description, CublasComputeType computeType, CudaDataType scaleType);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtMatmulDescSetAttribute(nint description, MatmulAttribute attribute, void* value, nuint bytes);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtMatmulDescDestroy(nint description);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtMatrixLayoutCreate(nint* layout, CudaDataType type, ulong rows, ulong columns, long leadingDimension);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtMatrixLayoutDestroy(nint layout);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtMatmulPreferenceCreate(nint* preference);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtMatmulPreferenceSetAttribute(nint preference, PreferenceAttribute attribute, void* value, nuint bytes);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtMatmulPreferenceDestroy(nint preference);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtMatmulAlgoGetHeuristic(
        nint handle, nint description, nint layoutA, nint layoutB, nint layoutC, nint layoutD, nint preference, int requested, MatmulHeuristic* results, int* found);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasLtMatmul(
        nint handle, nint description, void* alpha, nint a, nint layoutA, nint b, nint layoutB, void* beta, nint c, nint layoutC, nint d, nint layoutD,
        MatmulAlgorithm* algorithm, nint workspace, nuint workspaceBytes, nint stream);
}
