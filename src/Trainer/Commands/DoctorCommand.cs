using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cpu;

namespace MnrEngine.Trainer.Commands;

/// <summary><c>doctor</c>: what this machine has that matters here.</summary>
internal static class DoctorCommand
{
    // Newest first: a versioned name exists without development packages installed.
    private static readonly (string What, string[] Linux, string[] Windows)[] CudaLibraries =
    [
        ("the NVIDIA driver", ["libcuda.so.1", "libcuda.so"], ["nvcuda.dll"]),
        ("cuBLASLt", ["libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"], ["cublasLt64_13.dll", "cublasLt64_12.dll"]),
        ("NVRTC", ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"], ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll"]),
    ];

    public static Command Create()
    {
        Option<int> threads = new("--threads") { Description = "Threads to measure with; 0 for one a core." };
        Command command = new("doctor", "Says what hardware and libraries were found.") { threads };
        command.SetAction(parsed => Run(parsed.GetValue(threads), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static void Run(int threads, TextWriter output)
    {
        if (threads is < 0 or > 4096)
        {
            throw new InputException($"--threads is {threads}, but has to be from 0 to 4096");
        }

        foreach ((string what, string found) in Findings(threads))
        {
            output.WriteLine($"{what,-18}{found}");
        }

        output.WriteLine(CudaSentence());
    }

    private static IEnumerable<(string What, string Found)> Findings(int threads)
    {
        yield return ("program", typeof(DoctorCommand).Assembly.GetName().Version!.ToString(3));
        yield return ("system", $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.ProcessArchitecture}");
        yield return ("runtime", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}");
        yield return ("processor", CpuName.Find());
        yield return ("threads", $"{Environment.ProcessorCount} that this process may use");
        yield return ("instructions", Instructions());
        yield return ("memory", string.Create(CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9:0.0} GB"));
        using CpuThreads pool = new(threads);
        yield return ("multiply-add peak", string.Create(CultureInfo.InvariantCulture, $"{FmaPeak.Measure(pool) / 1e9:N0} GFLOP/s in single precision with {pool.Count} threads"));
    }

    private static string Instructions()
    {
        CpuInstructionSet[] all = [CpuInstructionSet.Avx512, CpuInstructionSet.Avx2, CpuInstructionSet.Portable];
        return $"{CpuInstructionSets.Selected().Name()} is used, of {string.Join(", ", all.Where(CpuInstructionSets.IsSupported).Select(static set => set.Name()))} ({CpuInstructionSets.OverrideVariable} chooses)";
    }

    private static string CudaSentence()
    {
        string[] missing = [.. CudaLibraries.Where(static library => !IsThere(OperatingSystem.IsWindows() ? library.Windows : library.Linux)).Select(static library => library.What)];
        return missing.Length == 0
            ? "CUDA              the driver, cuBLASLt and NVRTC were found; this version computes on the CPU all the same"
            : $"CUDA              {string.Join(", ", missing)} {(missing.Length == 1 ? "was" : "were")} not found; nothing needs them, everything runs on the CPU";
    }

    private static bool IsThere(string[] names)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint handle))
            {
                NativeLibrary.Free(handle);
                return true;
            }
        }

        return false;
    }
}
