using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cuda.Interop;
using static MnrEngine.Kernels.Cuda.CudaStatus;

namespace MnrEngine.Kernels.Cuda.Compilation;

/// <summary>
/// The kernels, loaded on a GPU: from kernels.fatbin beside the program where that was made from the same sources, else from the cache, else compiled now. NVRTC is needed for the last alone.
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
        if (Existing(context, out string? refusal) is KernelModule existing)
        {
            return existing;
        }

        try
        {
            CudaLibraries.Require(CudaLibraries.Nvrtc);
            return Compiled(context);
        }
        catch (CudaException error) when (refusal is not null || !CudaLibraries.Nvrtc.IsUsable)
        {
            throw new CudaException($"{error.Message}; {NoOthers(context, refusal)}", error);
        }
    }

    /// <summary>Where a GPU's kernels would come from: what is there already is loaded, to see whether the driver takes it, but nothing is compiled.</summary>
    /// <exception cref="CudaException">The GPU can't be used at all.</exception>
    public static KernelFinding Find(CudaDevice device)
    {
        using CudaContext context = new(device.Ordinal);
        try
        {
            using KernelModule? module = Existing(context, out string? refusal);
            return module is not null ? new KernelFinding(module.Origin, null)
                : CudaLibraries.Nvrtc.IsUsable ? new KernelFinding($"to be compiled by NVRTC {KernelCompiler.Version} for {KernelCompiler.Target(device)}", null)
                : new KernelFinding(null, $"{CudaLibraries.Nvrtc.Obstacle}; {NoOthers(context, refusal)}");
        }
        catch (CudaException error)
        {
            return new KernelFinding(null, error.Message);
        }
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
            KernelUse.Found?.TryAdd(name, true);
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

    private static string Key(CudaDevice device) => KernelCache.Key(KernelSources.All, KernelCompiler.Language, device.ComputeCapability);

    private static string NoOthers(CudaContext context, string? refusal) =>
        refusal is null ? $"no kernels that were compiled for {context.Device} before are in {KernelCache.Folder}" : $"the driver can't load kernels {refusal}";

    /// <summary>
    /// Kernels that need no compiler: shipped ones, or from the cache those that the compiler at hand made for the driver at hand, but without a compiler whatever the driver takes.
    /// </summary>
    /// <param name="context">The GPU.</param>
    /// <param name="refusal">Why the driver refused the first that there were, or null.</param>
    private static KernelModule? Existing(CudaContext context, out string? refusal)
    {
        refusal = null;
        if (Fatbin() is KernelImage fatbin && TryLoad(context, fatbin, ref refusal) is KernelModule shipped)
        {
            return shipped;
        }

        foreach (KeptKernels kernels in CudaLibraries.Nvrtc.IsUsable ? [Wanted(context.Device)] : KernelCache.All(Key(context.Device), CudaDevice.DriverVersion))
        {
            if (KernelCache.Find(kernels) is byte[] image
                && TryLoad(context, new KernelImage(image, $"compiled by NVRTC {kernels.Compiler} for {kernels.Target} before"), ref refusal) is KernelModule kept)
            {
                return kept;
            }
        }

        return null;
    }

    private static KeptKernels Wanted(CudaDevice device) => new(Key(device), KernelCompiler.Target(device), KernelCompiler.Version, CudaDevice.DriverVersion);

    private static KernelModule Compiled(CudaContext context)
    {
        KeptKernels kernels = Wanted(context.Device);
        KernelImage image = KernelCompiler.Compile(kernels.Target);
        string? refusal = null;
        KernelModule module = TryLoad(context, image, ref refusal)
            ?? throw new CudaException(
                $"the driver, made for CUDA {kernels.Driver}, can't load kernels {refusal}: update the driver, or have an older NVRTC compile them ({CudaLibraries.Nvrtc.Remedy})");
        KernelCache.Keep(kernels, image.Bytes);
        return module;
    }

    /// <summary>Loads an image, or says why the driver refuses it: where it comes from, the status, and the first line of the driver's log. A refusal that was told before stays.</summary>
    private static KernelModule? TryLoad(CudaContext context, KernelImage image, ref string? refusal)
    {
        const int LogBytes = 8192;
        nint module;
        byte* log = stackalloc byte[LogBytes];
        log[0] = 0;
        ModuleOption* options = stackalloc ModuleOption[] { ModuleOption.ErrorLogBuffer, ModuleOption.ErrorLogBytes };
        void** values = stackalloc void*[] { log, (void*)LogBytes };
        CudaResult status;
        fixed (byte* bytes = image.Bytes)
        {
            status = CudaDriver.cuModuleLoadDataEx(&module, bytes, 2, options, values);
        }

        if (status == CudaResult.Success)
        {
            return new KernelModule(context, module, image.Origin);
        }

        if (status == CudaResult.OutOfMemory)
        {
            Check(status, $"cuModuleLoadDataEx of {image.Bytes.Length:N0} bytes {image.Origin}");
        }

        log[LogBytes - 1] = 0;
        string? line = Marshal.PtrToStringUTF8((nint)log)!.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        refusal ??= $"{image.Origin} ({Describe(status)}{(line is null ? "" : $": {line}")})";
        return null;
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
