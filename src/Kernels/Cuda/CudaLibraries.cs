using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cuda.Interop;

namespace MnrEngine.Kernels.Cuda;

/// <summary>
/// The one place that knows the names of NVIDIA's libraries and where they may lie. Each is looked for: where its own variable says (a file; then nowhere else);
/// in the folder that <see cref="FolderVariable"/> names; under its names as the system's loader finds them, newest first; in the toolkit's usual folder; in the
/// packages (nvidia/*/lib) of the Python environment that <see cref="PythonVariable"/> or an activated one names. The first that can be used is taken: one that has all the functions that are
/// called, and is not of a later CUDA than the driver.
/// </summary>
public static unsafe class CudaLibraries
{
    /// <summary>Names a folder that is searched first, for all libraries.</summary>
    public const string FolderVariable = "MNR_CUDA_LIBRARIES";

    /// <summary>Names a Python environment whose nvidia packages are searched last.</summary>
    public const string PythonVariable = "MNR_PYTHON_ENV";

    internal const string DriverName = "mnr-cuda-driver";
    internal const string CublasLtName = "mnr-cublasLt";
    internal const string NvrtcName = "mnr-nvrtc";

    private static readonly Library[] Known =
    [
        new(
            DriverName, "the NVIDIA driver", "MNR_CUDA_DRIVER", ImportedFunctions.Driver, "a driver for CUDA 11.4",
            ["libcuda.so.1", "libcuda.so"], ["nvcuda.dll"],
            "install NVIDIA's driver for the GPU"),
        new(
            CublasLtName, "cuBLASLt", "MNR_CUBLASLT", ImportedFunctions.CublasLt, "that of CUDA 11.0",
            ["libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11", "libcublasLt.so"], ["cublasLt64_13.dll", "cublasLt64_12.dll", "cublasLt64_11.dll"],
            "install the CUDA toolkit, or the Python package nvidia-cublas-cu12, and name its environment in " + PythonVariable),
        new(
            NvrtcName, "NVRTC", "MNR_NVRTC", ImportedFunctions.Nvrtc, "that of CUDA 11.2",
            ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"], ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll"],
            "install the CUDA toolkit, or the Python package nvidia-cuda-nvrtc-cu12, and name its environment in " + PythonVariable),
    ];

    private static readonly Lock Gate = new();

    static CudaLibraries() => NativeLibrary.SetDllImportResolver(typeof(CudaLibraries).Assembly, Resolve);

    /// <summary>The driver.</summary>
    public static LibraryFinding Driver => Find(DriverName);

    /// <summary>The library of matrix products.</summary>
    public static LibraryFinding CublasLt => Find(CublasLtName);

    /// <summary>The compiler.</summary>
    public static LibraryFinding Nvrtc => Find(NvrtcName);

    /// <summary>Says that a library is needed now.</summary>
    /// <exception cref="CudaException">It is not there or can't be used; the message says what was tried and how to get it.</exception>
    internal static void Require(LibraryFinding finding)
    {
        if (!finding.IsUsable)
        {
            throw new CudaException(finding.Fault ?? $"{finding.Library} was not found, looked for as {string.Join(", ", finding.Tried)}: {finding.Remedy}");
        }
    }

    private static LibraryFinding Find(string name)
    {
        lock (Gate)
        {
            Library library = Known.Single(known => known.ImportName == name);
            library.Finding ??= Probe(library);
            return library.Finding;
        }
    }

    /// <summary>The runtime asks for the library of an import; those of others are none of our business.</summary>
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (!Known.Any(library => library.ImportName == name))
        {
            return 0;
        }

        Require(Find(name));
        return Known.Single(library => library.ImportName == name).Handle;
    }

    private static LibraryFinding Probe(Library library)
    {
        List<string> tried = [];
        LibraryFinding? unusable = null;
        foreach (string candidate in Candidates(library))
        {
            tried.Add(candidate);
            if (NativeLibrary.TryLoad(candidate, out nint handle))
            {
                string file = FileOf(library, handle, candidate);
                if (FaultOf(library, handle, file) is string fault)
                {
                    // It stays loaded, where it does no harm: not every library likes to be unloaded.
                    unusable ??= new LibraryFinding(library.What, file, tried, library.Remedy, fault);
                    continue;
                }

                library.Handle = handle;
                return new LibraryFinding(library.What, file, tried, library.Remedy);
            }
        }

        return unusable ?? new LibraryFinding(library.What, null, tried, library.Remedy);
    }

    /// <summary>Why a library can't be used, or null. All functions are looked up here, so that none turns out to be missing in the middle of a run.</summary>
    private static string? FaultOf(Library library, nint handle, string file)
    {
        string[] missing = [.. library.Functions.Where(name => !NativeLibrary.TryGetExport(handle, name, out _))];
        if (missing.Length > 0)
        {
            string others = missing.Length > 1 ? $" and {missing.Length - 1} other functions that are called" : "";
            return $"{library.What} {file} has no {missing[0]}{others}: {library.Oldest} or later is needed; {library.Remedy}";
        }

        if (library.ImportName == DriverName || !Find(DriverName).IsUsable)
        {
            return null;
        }

        // Any driver runs libraries of its own major version of CUDA and of earlier ones.
        Version driver = VersionOfDriver();
        int major = library.ImportName == NvrtcName ? MajorOfNvrtc(handle) : MajorOfCublasLt(handle);
        return major <= driver.Major ? null
            : $"{library.What} {file} is of CUDA {major}, but the driver {Find(DriverName).Path} is for CUDA {driver}: update the driver, or get the library of CUDA {driver.Major} ({library.Remedy})";
    }

    /// <summary>The file that was loaded, where the system's loader found it by its name alone.</summary>
    private static string FileOf(Library library, nint handle, string candidate)
    {
        if (Path.IsPathRooted(candidate) || !NativeLibrary.TryGetExport(handle, library.Functions[0], out nint function))
        {
            return candidate;
        }

        using Process self = Process.GetCurrentProcess();
        ProcessModule? module = self.Modules.Cast<ProcessModule>().FirstOrDefault(module => function - module.BaseAddress is nint offset && offset >= 0 && offset < module.ModuleMemorySize);
        return module?.FileName ?? candidate;
    }

    /// <summary>The CUDA that the driver is for, which it tells before it is started. The imports can't be called before a library is chosen.</summary>
    private static Version VersionOfDriver()
    {
        int version = 0;
        ((delegate* unmanaged<int*, CudaResult>)NativeLibrary.GetExport(Known.Single(library => library.ImportName == DriverName).Handle, nameof(CudaDriver.cuDriverGetVersion)))(&version);
        return new Version(version / 1000, version % 1000 / 10);
    }

    private static int MajorOfNvrtc(nint handle)
    {
        int major = 0;
        int minor;
        ((delegate* unmanaged<int*, int*, NvrtcResult>)NativeLibrary.GetExport(handle, nameof(Interop.Nvrtc.nvrtcVersion)))(&major, &minor);
        return major;
    }

    private static int MajorOfCublasLt(nint handle) =>
        (int)((delegate* unmanaged<nuint>)NativeLibrary.GetExport(handle, nameof(Interop.CublasLt.cublasLtGetCudartVersion)))() / 1000;

    private static IEnumerable<string> Candidates(Library library)
    {
        if (Environment.GetEnvironmentVariable(library.Variable) is { Length: > 0 } file)
        {
            return [file];
        }

        string[] names = OperatingSystem.IsWindows() ? library.Windows : library.Linux;
        IEnumerable<string> first = Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder ? names.Select(name => Path.Combine(folder, name)) : [];
        IEnumerable<string> last = ToolkitFolders().Concat(PythonFolders()).SelectMany(place => names.Select(name => Path.Combine(place, name)).Where(File.Exists));
        return [.. first, .. names, .. last];
    }

    private static IEnumerable<string> ToolkitFolders()
    {
        if (Environment.GetEnvironmentVariable("CUDA_PATH") is { Length: > 0 } toolkit)
        {
            yield return Path.Combine(toolkit, OperatingSystem.IsWindows() ? "bin" : "lib64");
            yield return Path.Combine(toolkit, "bin", "x64");
        }

        if (!OperatingSystem.IsWindows())
        {
            yield return "/usr/local/cuda/lib64";
        }
    }

    private static IEnumerable<string> PythonFolders()
    {
        string? environment = new[] { PythonVariable, "VIRTUAL_ENV", "CONDA_PREFIX" }
            .Select(Environment.GetEnvironmentVariable)
            .FirstOrDefault(static value => !string.IsNullOrEmpty(value));
        if (environment is null)
        {
            return [];
        }

        // lib/python3.12/site-packages on Linux, Lib\site-packages on Windows.
        string[] roots = [.. Folders(Path.Combine(environment, "lib"), "python3*").Append(Path.Combine(environment, "Lib"))];
        return
            from root in roots
            from package in Folders(Path.Combine(root, "site-packages", "nvidia"), "*")
            from place in (string[])["lib", "bin", Path.Combine("bin", "x86_64")]
            select Path.Combine(package, place);
    }

    private static IEnumerable<string> Folders(string parent, string pattern) =>
        Directory.Exists(parent) ? Directory.EnumerateDirectories(parent, pattern).Order(StringComparer.Ordinal) : [];

    /// <param name="importName">What imports call it.</param>
    /// <param name="what">What messages call it.</param>
    /// <param name="variable">The environment variable that names its file.</param>
    /// <param name="functions">All its functions that are called.</param>
    /// <param name="oldest">The oldest that has them.</param>
    /// <param name="linux">Its names on Linux, newest first.</param>
    /// <param name="windows">Its names on Windows, newest first.</param>
    /// <param name="remedy">How to get it.</param>
    private sealed class Library(
        string importName, string what, string variable, IReadOnlyList<string> functions, string oldest, string[] linux, string[] windows, string remedy)
    {
        public string ImportName { get; } = importName;

        public string What { get; } = what;

        public string Variable { get; } = variable;

        public IReadOnlyList<string> Functions { get; } = functions;

        public string Oldest { get; } = oldest;

        public string[] Linux { get; } = linux;

        public string[] Windows { get; } = windows;

        public string Remedy { get; } = $"{remedy}, or name the file in {variable}";

        public nint Handle { get; set; }

        public LibraryFinding? Finding { get; set; }
    }
}
