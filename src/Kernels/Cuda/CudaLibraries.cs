using System.Reflection;
using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cuda.Interop;

namespace MnrEngine.Kernels.Cuda;

/// <summary>Where a library was looked for and found.</summary>
/// <param name="Library">What it is: "the NVIDIA driver".</param>
/// <param name="Path">The file or name it was loaded by; null when it was not found.</param>
/// <param name="Tried">What was tried, in order.</param>
/// <param name="Remedy">How to get it.</param>
public sealed record LibraryFinding(string Library, string? Path, IReadOnlyList<string> Tried, string Remedy)
{
    /// <summary>Whether it was found.</summary>
    public bool IsFound => Path is not null;
}

/// <summary>
/// The one place that knows the names of NVIDIA's libraries and where they may lie. Each is looked for: where its own variable says (a file; then nowhere else);
/// in the folder that <see cref="FolderVariable"/> names; under its names as the system's loader finds them, newest first; in the toolkit's usual folder; in the
/// packages (nvidia/*/lib) of the Python environment that <see cref="PythonVariable"/> or an activated one names.
/// </summary>
public static class CudaLibraries
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
        new(DriverName, "the NVIDIA driver", "MNR_CUDA_DRIVER", ["libcuda.so.1", "libcuda.so"], ["nvcuda.dll"], "install NVIDIA's driver for the GPU"),
        new(
            CublasLtName, "cuBLASLt", "MNR_CUBLASLT",
            ["libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11", "libcublasLt.so"], ["cublasLt64_13.dll", "cublasLt64_12.dll", "cublasLt64_11.dll"],
            "install the CUDA toolkit, or the Python package nvidia-cublas-cu12, and name its environment in " + PythonVariable),
        new(
            NvrtcName, "NVRTC", "MNR_NVRTC",
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
    /// <exception cref="CudaException">It is not there; the message says what was tried and how to get it.</exception>
    internal static void Require(LibraryFinding finding)
    {
        if (!finding.IsFound)
        {
            throw new CudaException($"{finding.Library} was not found, looked for as {string.Join(", ", finding.Tried)}: {finding.Remedy}");
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
        foreach (string candidate in Candidates(library))
        {
            tried.Add(candidate);
            if (NativeLibrary.TryLoad(candidate, out nint handle))
            {
                library.Handle = handle;
                return new LibraryFinding(library.What, candidate, tried, library.Remedy);
            }
        }

        return new LibraryFinding(library.What, null, tried, library.Remedy);
    }

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

    private sealed class Library(string importName, string what, string variable, string[] linux, string[] windows, string remedy)
    {
        public string ImportName { get; } = importName;

        public string What { get; } = what;

        public string Variable { get; } = variable;

        public string[] Linux { get; } = linux;

        public string[] Windows { get; } = windows;

        public string Remedy { get; } = $"{remedy}, or name the file in {variable}";

        public nint Handle { get; set; }

        public LibraryFinding? Finding { get; set; }
    }
}
