using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cuda.Interop;
using static MnrEngine.Kernels.Cuda.CudaStatus;

namespace MnrEngine.Kernels.Cuda.Compilation;

/// <summary>
/// The kernels, loaded on a GPU: from kernels.fatbin beside the program where that was made from the same sources, else from the cache, else compiled now.
/// </summary>
internal sealed unsafe class KernelModule : IDisposable
{
    private const string FatbinName = "kernels.fatbin";

    private readonly CudaContext _context;
    private readonly nint _module;

    private KernelModule(CudaContext context, nint module, string origin)
    {
        _context = context;
        _module = module;
        Origin = origin;
    }

    /// <summary>Where the kernels come from.</summary>
    public string Origin { get; }

    /// <summary>Loads the kernels.</summary>
    /// <exception cref="CudaException">They can be had nowhere, or this GPU's driver can't load them.</exception>
    public static KernelModule Load(CudaContext context)
    {
        context.Use();
        nint module;
        if (Fatbin() is KernelImage fatbin && TryLoad(fatbin, &module) == CudaResult.Success)
        {
            return new KernelModule(context, module, fatbin.Origin);
        }

        Version compiler = KernelCompiler.Version;
        string target = KernelCompiler.Target(context.Device);
        string key = KernelCache.Key(KernelSources.All, KernelCompiler.Options(target), compiler, CudaDevice.DriverVersion);
        if (KernelCache.Find(key) is byte[] kept)
        {
            KernelImage cached = new(kept, $"compiled by NVRTC {compiler} for {target} before");
            if (TryLoad(cached, &module) == CudaResult.Success)
            {
                return new KernelModule(context, module, cached.Origin);
            }
        }

        KernelImage image = KernelCompiler.Compile(target);
        CudaResult status = TryLoad(image, &module);
        if (status is CudaResult.UnsupportedPtxVersion or CudaResult.InvalidImage or CudaResult.InvalidPtx or CudaResult.NoBinaryForGpu)
        {
            throw new CudaException(
                $"the driver, made for CUDA {CudaDevice.DriverVersion}, can't load kernels {image.Origin} ({Describe(status)}): update the driver, or have an older NVRTC compile them ({CudaLibraries.Nvrtc.Remedy})");
        }

        Check(status, $"cuModuleLoadDataEx of {image.Bytes.Length:N0} bytes {image.Origin}");
        KernelCache.Keep(key, image.Bytes);
        return new KernelModule(context, module, image.Origin);
    }

    /// <summary>A kernel.</summary>
    /// <exception cref="CudaException">There is none of this name.</exception>
    public KernelFunction Find(string name)
    {
        nint text = Marshal.StringToCoTaskMemUTF8(name);
        try
        {
            nint function;
            Check(CudaDriver.cuModuleGetFunction(&function, _module, (byte*)text), $"finding kernel {name} among those {Origin}");
            return new KernelFunction(name, function);
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _context.Use();
        CudaDriver.cuModuleUnload(_module);
    }

    private static CudaResult TryLoad(KernelImage image, nint* module)
    {
        fixed (byte* bytes = image.Bytes)
        {
            return CudaDriver.cuModuleLoadDataEx(module, bytes, 0, null, null);
        }
    }

    /// <summary>kernels.fatbin, if it was made from the very sources that this program carries: kernels.fatbin.sources beside it lists their checksums.</summary>
    private static KernelImage? Fatbin()
    {
        string file = Path.Combine(AppContext.BaseDirectory, FatbinName);
        string sources = file + ".sources";
        if (!File.Exists(file) || !File.Exists(sources))
        {
            return null;
        }

        HashSet<string> made = [.. File.ReadLines(sources)];
        bool isOurs = KernelSources.Checksums.Split('\n', StringSplitOptions.RemoveEmptyEntries).All(made.Contains);
        return isOurs ? new KernelImage([.. File.ReadAllBytes(file), 0], $"of {FatbinName}") : null;
    }
}

/// <summary>A kernel on a GPU.</summary>
internal sealed class KernelFunction(string name, nint handle)
{
    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>The driver's handle.</summary>
    public nint Handle { get; } = handle;

    /// <summary>The dynamic shared memory that it has been allowed, beyond the modest amount that all may have.</summary>
    public int SharedBytesAllowed { get; set; }
}
