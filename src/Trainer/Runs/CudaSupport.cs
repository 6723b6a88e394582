using System.Globalization;
using MnrEngine.Kernels.Cuda;

namespace MnrEngine.Trainer.Runs;

/// <summary>What this machine has of CUDA, and what it lacks.</summary>
internal static class CudaSupport
{
    private static IEnumerable<LibraryFinding> Libraries => [CudaLibraries.Driver, CudaLibraries.CublasLt, CudaLibraries.Nvrtc];

    /// <summary>Why no GPU can be used, or null where one can, if there are kernels for it.</summary>
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

            return CudaLibraries.CublasLt.Obstacle;
        }
        catch (CudaException error)
        {
            return error.Message;
        }
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

        foreach ((string what, string found) in Gpus())
        {
            yield return (what, found);
        }
    }

    /// <summary>In one sentence, whether CUDA can be used, and if not, what is missing and how to get it.</summary>
    public static string Sentence()
    {
        string? obstacle = Obstacle(out _) ?? KernelObstacle();
        return obstacle is null ? "CUDA can be used: device auto takes it." : $"CUDA can't be used, everything runs on the CPU: {obstacle}.";
    }

    private static string? KernelObstacle()
    {
        try
        {
            return CudaKernels.FindKernels(CudaDevice.All[0]).Obstacle;
        }
        catch (CudaException error)
        {
            return error.Message;
        }
    }

    private static IReadOnlyList<(string What, string Found)> Gpus()
    {
        try
        {
            Version driver = CudaDevice.DriverVersion;
            return [.. CudaDevice.All.SelectMany(gpu => Lines(gpu, driver))];
        }
        catch (CudaException error)
        {
            return [("GPU", $"none: {error.Message}")];
        }

        static (string, string)[] Lines(CudaDevice gpu, Version driver)
        {
            string text = string.Create(
                CultureInfo.InvariantCulture,
                $"{gpu.Ordinal}: {gpu.Name}, compute capability {gpu.ComputeCapability}, {gpu.Bytes / 1e9:0.0} GB, {gpu.Multiprocessors} multiprocessors; the driver brings CUDA {driver}");
            KernelFinding kernels = CudaKernels.FindKernels(gpu);
            return [("GPU", text), ("kernels", $"for GPU {gpu.Ordinal}: {kernels.Origin ?? $"none: {kernels.Obstacle}"}")];
        }
    }
}
