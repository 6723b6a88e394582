using System.Diagnostics;

namespace MnrEngine.Testing;

/// <summary>
/// The CUDA kernels on the host, behind stand-ins of NVIDIA's libraries (tests/HostCuda): finds their folder, and builds them first where CMake and a C++ compiler are. A test that needs
/// them calls <see cref="Use"/>, after which the engine finds them where it looks for NVIDIA's own.
/// </summary>
public static class HostCuda
{
    /// <summary>Names a folder that holds the stand-ins, instead of building them.</summary>
    public const string Variable = "MNR_HOST_CUDA";

    private static bool s_isUsed;

    private static readonly Lazy<(string? Folder, string Reason)> Found = new(Find);

    /// <summary>Why they are not here.</summary>
    public static string Reason => Found.Value.Reason;

    /// <summary>Their folder, or null where they can't be built.</summary>
    public static string? Folder => Found.Value.Folder;

    /// <summary>A driver without functions that came after CUDA 11.3, or null where there is none.</summary>
    public static string? OldDriver =>
        Folder is string folder && System.IO.Path.Combine(folder, "..", "lib-old", "libcuda.so.1") is string file && File.Exists(file) ? System.IO.Path.GetFullPath(file) : null;

    /// <summary>Points this process to them; once it has computed on them it can't go back.</summary>
    /// <returns>Whether they are here.</returns>
    public static bool Use()
    {
        if (Folder is null)
        {
            return false;
        }

        if (!s_isUsed)
        {
            s_isUsed = true;
            Environment.SetEnvironmentVariable("MNR_CUDA_LIBRARIES", Folder);
            Environment.SetEnvironmentVariable("MNR_CACHE", System.IO.Path.Combine(AppContext.BaseDirectory, "cache"));
        }

        return true;
    }

    private static (string? Folder, string Reason) Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return (System.IO.Path.GetFullPath(named), "");
        }

        if (Fixtures.RepositoryRoot is not string root || !OperatingSystem.IsLinux())
        {
            return (null, "the CUDA kernels are run on the host on Linux, from the repository");
        }

        string build = System.IO.Path.Combine(root, "out", "host-cuda");
        Directory.CreateDirectory(build);

        // Several test programs may start at once; the first one builds, the others wait.
        using FileStream gate = Enter(System.IO.Path.Combine(build, ".lock"));
        string? refusal =
            Run("cmake", "-S", System.IO.Path.Combine(root, "tests", "HostCuda"), "-B", build, "-DCMAKE_BUILD_TYPE=Release")
            ?? Run("cmake", "--build", build, "--parallel", "--target", "host_driver", "host_driver_old", "host_cublaslt", "mnr_host_kernels", "mnr_host_kernels_nvrtc");
        return refusal is null ? (System.IO.Path.Combine(build, "lib"), "") : (null, $"the CUDA kernels could not be built for the host: {refusal}");
    }

    private static FileStream Enter(string file)
    {
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                Thread.Sleep(200);
            }
        }
    }

    /// <returns>Null when the command succeeded, else the end of what it said.</returns>
    private static string? Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"{program} ended with {process.ExitCode}: {(error.Result.Trim().Length > 0 ? error.Result : output).Trim()}";
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            return $"{program}: {missing.Message}";
        }
    }
}
