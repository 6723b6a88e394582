using System.Globalization;
using MnrEngine.Kernels.Cuda;

namespace MnrEngine.Trainer.Runs;

/// <summary>What this machine has of CUDA, and what it lacks.</summary>
internal static class CudaSupport
{
    private static IEnumerable<LibraryFinding> Libraries => [CudaLibraries.Driver, CudaLibraries.CublasLt, CudaLibraries.Nvrtc];

    /// <summary>Why no GPU can be used, or null where one can.</summary>
    /// <param name="isGpuThere">Whether there is a GPU all the same.</param>
    public static string? Obstacle(out bool isGpuThere)
    {
        // Who has the driver has a GPU, even if it can't be asked for.
        isGpuThere = CudaLibraries.Driver.Fault is not null;
        if (CudaLibraries.Driver.Obstacle is string obstacle)
        {
            return obstacle;
        }

        try
        {
            IReadOnlyList<CudaDevice> devices = CudaDevice.All;
            if (devices.Count == 0)
            {
                return "the NVIDIA driver finds no GPU";
            }

            isGpuThere = true;
            if (devices[0].ComputeCapability < CudaDevice.OldestCapability)
            {
                return $"{devices[0]} has compute capability {devices[0].ComputeCapability}, but {CudaDevice.OldestCapability} is the least that the kernels need";
            }
        }
        catch (CudaException error)
        {
            return error.Message;
        }

        // Without NVRTC the kernels may still lie beside the program, or in the cache.
        return CudaLibraries.CublasLt.Obstacle;
    }

    /// <summary>Driver, libraries and GPUs.</summary>
    public static IEnumerable<(string What, string Found)> Findings()
    {
        foreach (LibraryFinding library in Libraries)
        {
            string found = library.IsFound ? $"{library.Path}{(library.IsUsable ? "" : ", which can't be used")}" : $"not found, looked for as {string.Join(", ", library.Tried)}";
            yield return (library.Library.Replace("the ", "", StringComparison.Ordinal), found);
        }

        if (!CudaLibraries.Driver.IsUsable)
        {
            yield break;
        }

        foreach (string line in Gpus())
        {
            yield return ("GPU", line);
        }
    }

    /// <summary>In one sentence, whether CUDA can be used, and if not, what is missing and how to get it.</summary>
    public static string Sentence()
    {
        string? obstacle = Obstacle(out _);
        LibraryFinding nvrtc = CudaLibraries.Nvrtc;
        return obstacle is not null ? $"CUDA can't be used, everything runs on the CPU: {obstacle}."
            : nvrtc.IsUsable ? "CUDA can be used: device auto takes it."
            : $"CUDA can be used only where the kernels were compiled before: {nvrtc.Obstacle}.";
    }

    private static IReadOnlyList<string> Gpus()
    {
        try
        {
            Version driver = CudaDevice.DriverVersion;
            return [.. CudaDevice.All.Select(gpu => string.Create(
                CultureInfo.InvariantCulture,
                $"{gpu.Ordinal}: {gpu.Name}, compute capability {gpu.ComputeCapability}, {gpu.Bytes / 1e9:0.0} GB, {gpu.Multiprocessors} multiprocessors; the driver brings CUDA {driver}"))];
        }
        catch (CudaException error)
        {
            return [$"none: {error.Message}"];
        }
    }
}
