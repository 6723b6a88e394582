using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MnrEngine.Kernels.Cuda.Interop;

/// <summary>Statuses of cublasLt.</summary>
internal enum CublasStatus
{
    Success = 0,
    NotInitialized = 1,
    AllocFailed = 3,
    InvalidValue = 7,
    ArchMismatch = 8,
    MappingError = 11,
    ExecutionFailed = 13,
    InternalError = 14,
    NotSupported = 15,
    LicenseError = 16,
}

/// <summary>Element types (cudaDataType_t).</summary>
internal enum CudaDataType
{
    Float32 = 0,
    BFloat16 = 14,
}

/// <summary>What products are computed in (cublasComputeType_t).</summary>
internal enum CublasComputeType
{
    Float32 = 68,
    Float32FastTf32 = 77,
}

/// <summary>Attributes of a product (cublasLtMatmulDescAttributes_t).</summary>
internal enum MatmulAttribute
{
    TransposeA = 3,
    TransposeB = 4,
    Epilogue = 7,
    BiasPointer = 8,
}

/// <summary>What is done to a product before it is stored (cublasLtEpilogue_t).</summary>
internal enum MatmulEpilogue
{
    Default = 1,
    Bias = 4,
}

/// <summary>What algorithms may be offered (cublasLtMatmulPreferenceAttributes_t).</summary>
internal enum PreferenceAttribute
{
    MaxWorkspaceBytes = 1,
    MinAlignmentA = 5,
    MinAlignmentB = 6,
    MinAlignmentC = 7,
    MinAlignmentD = 8,
}

/// <summary>An algorithm, opaque (cublasLtMatmulAlgo_t).</summary>
[InlineArray(8)]
internal struct MatmulAlgorithm
{
    private ulong _first;
}

/// <summary>An algorithm that the heuristic offers (cublasLtMatmulHeuristicResult_t).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MatmulHeuristic
{
    public MatmulAlgorithm Algorithm;
    public nuint WorkspaceBytes;
    public CublasStatus State;
    public float Waves;
    public int Reserved0;
    public int Reserved1;
    public int Reserved2;
    public int Reserved3;
}
