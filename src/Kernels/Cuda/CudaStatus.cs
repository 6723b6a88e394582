using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cuda.Interop;

namespace MnrEngine.Kernels.Cuda;

/// <summary>The one place where statuses are checked: <c>Check(cuMemFree_v2(address), $"cuMemFree of {bytes:N0} bytes")</c>.</summary>
internal static unsafe class CudaStatus
{
    /// <summary>Passes a success on, at no cost: the description of the call is only made when it failed.</summary>
    /// <param name="status">What the call returned.</param>
    /// <param name="call">The call with the sizes that were passed.</param>
    /// <exception cref="CudaException">The call failed.</exception>
    /// <exception cref="OutOfMemoryException">The call found no memory.</exception>
    public static void Check(CudaResult status, [InterpolatedStringHandlerArgument(nameof(status))] ref CallDescription call)
    {
        if (status == CudaResult.OutOfMemory)
        {
            throw OutOfMemory($"{call.Text} failed");
        }

        if (status != CudaResult.Success)
        {
            throw new CudaException($"{call.Text} failed: {Describe(status)}");
        }
    }

    /// <inheritdoc cref="Check(CudaResult, ref CallDescription)"/>
    public static void Check(CublasStatus status, [InterpolatedStringHandlerArgument(nameof(status))] ref CallDescription call)
    {
        if (status == CublasStatus.AllocFailed)
        {
            throw OutOfMemory($"{call.Text} failed");
        }

        if (status != CublasStatus.Success)
        {
            throw new CudaException($"{call.Text} failed: {Describe(status)}");
        }
    }

    /// <inheritdoc cref="Check(CudaResult, ref CallDescription)"/>
    public static void Check(NvrtcResult status, [InterpolatedStringHandlerArgument(nameof(status))] ref CallDescription call)
    {
        if (status != NvrtcResult.Success)
        {
            throw new CudaException($"{call.Text} failed: {Marshal.PtrToStringUTF8((nint)Nvrtc.nvrtcGetErrorString(status))} ({(int)status})");
        }
    }

    /// <summary>
    /// What failed for want of memory, with how much there is: "cuMemAlloc of 5 bytes failed: 4 of 80 bytes of the GPU's memory are free". On a GPU too full to be opened nobody can tell how much.
    /// </summary>
    public static OutOfMemoryException OutOfMemory(string what)
    {
        nuint free = 0;
        nuint total = 0;
        return new OutOfMemoryException(
            CudaDriver.cuMemGetInfo_v2(&free, &total) == CudaResult.Success
                ? FormattableString.Invariant($"{what}: {(ulong)free:N0} of {(ulong)total:N0} bytes of the GPU's memory are free")
                : $"{what}: the GPU's memory is full");
    }

    /// <summary>A status in the driver's own words: "CUDA_ERROR_OUT_OF_MEMORY (2, out of memory)".</summary>
    public static string Describe(CudaResult status)
    {
        byte* name = null;
        byte* text = null;
        CudaDriver.cuGetErrorName(status, &name);
        CudaDriver.cuGetErrorString(status, &text);
        return name is null ? $"CUDA error {(int)status}" : $"{Marshal.PtrToStringUTF8((nint)name)} ({(int)status}, {Marshal.PtrToStringUTF8((nint)text)})";
    }

    private static string Describe(CublasStatus status) => status switch
    {
        CublasStatus.NotInitialized => "CUBLAS_STATUS_NOT_INITIALIZED (1, the library could not be started on this GPU)",
        CublasStatus.InvalidValue => "CUBLAS_STATUS_INVALID_VALUE (7)",
        CublasStatus.ArchMismatch => "CUBLAS_STATUS_ARCH_MISMATCH (8, not for this GPU)",
        CublasStatus.MappingError => "CUBLAS_STATUS_MAPPING_ERROR (11)",
        CublasStatus.ExecutionFailed => "CUBLAS_STATUS_EXECUTION_FAILED (13, the GPU could not run it)",
        CublasStatus.InternalError => "CUBLAS_STATUS_INTERNAL_ERROR (14)",
        CublasStatus.NotSupported => "CUBLAS_STATUS_NOT_SUPPORTED (15, no algorithm for these shapes and types)",
        CublasStatus.LicenseError => "CUBLAS_STATUS_LICENSE_ERROR (16)",
        _ => $"cublas status {(int)status}",
    };

    /// <summary>Builds the description of a call, if the call failed.</summary>
    [InterpolatedStringHandler]
    public ref struct CallDescription
    {
        private DefaultInterpolatedStringHandler _text;

        public CallDescription(int literalLength, int formattedCount, CudaResult status, out bool isWanted)
            : this(literalLength, formattedCount, (int)status, out isWanted)
        {
        }

        public CallDescription(int literalLength, int formattedCount, CublasStatus status, out bool isWanted)
            : this(literalLength, formattedCount, (int)status, out isWanted)
        {
        }

        public CallDescription(int literalLength, int formattedCount, NvrtcResult status, out bool isWanted)
            : this(literalLength, formattedCount, (int)status, out isWanted)
        {
        }

        private CallDescription(int literalLength, int formattedCount, int status, out bool isWanted)
        {
            isWanted = status != 0;
            _text = isWanted ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, System.Globalization.CultureInfo.InvariantCulture) : default;
        }

        public string Text => _text.ToStringAndClear();

        public void AppendLiteral(string text) => _text.AppendLiteral(text);

        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

        public void AppendFormatted<T>(T value, string format) => _text.AppendFormatted(value, format);
    }
}
