using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cpu;

namespace MnrEngine.Kernels.Bench;

/// <summary>OpenBLAS's matrix product, where the library is installed (Debian: libopenblas0-pthread): the peer of <see cref="Gemm{TVector}"/>.</summary>
internal sealed unsafe class OpenBlas
{
    private const string LibraryName = "libopenblas.so.0";
    private const int RowMajor = 101;
    private const int NotTransposed = 111;
    private const int Transposed = 112;

    private readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> _sgemm;

    private OpenBlas(nint library, int threads)
    {
        _sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)NativeLibrary.GetExport(library, "cblas_sgemm");
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "openblas_set_num_threads"))(threads);
        Description = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<byte*>)NativeLibrary.GetExport(library, "openblas_get_config"))()) ?? "OpenBLAS";
    }

    /// <summary>Version and the processor it was built for.</summary>
    public string Description { get; }

    /// <summary>Loads the library; null when there is none.</summary>
    public static OpenBlas? Load(int threads) => NativeLibrary.TryLoad(LibraryName, out nint library) ? new OpenBlas(library, threads) : null;

    /// <summary>result = left * right.</summary>
    public void Multiply(MatrixView left, MatrixView right, MatrixView result) =>
        _sgemm(
            RowMajor, left.IsTransposed ? Transposed : NotTransposed, right.IsTransposed ? Transposed : NotTransposed, result.Rows, result.Columns, left.Columns,
            1, left.Data, (int)left.Stride, right.Data, (int)right.Stride, 0, result.Data, (int)result.Stride);
}
