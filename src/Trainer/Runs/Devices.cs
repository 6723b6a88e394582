using MnrEngine.Kernels;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Cuda;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Runs;

/// <summary>What to compute on, and in what.</summary>
/// <param name="Device">Which device.</param>
/// <param name="Precision">What a network is computed in.</param>
/// <param name="Threads">Threads of the CPU, or 0 for one a core.</param>
internal readonly record struct DeviceChoice(Device Device, Precision Precision, int Threads);

/// <summary>Chooses what computes.</summary>
internal static class Devices
{
    /// <summary>Opens a device.</summary>
    /// <exception cref="InputException">It is not there, can't be used, or does not compute in that precision; or the environment asks for instructions that this machine does not have.</exception>
    public static IKernels Create(in DeviceChoice choice) => Create(choice, out _);

    /// <summary>Opens a device.</summary>
    /// <param name="choice">Which.</param>
    /// <param name="note">Why a GPU that is there is not used, or null.</param>
    /// <exception cref="InputException">It is not there, can't be used, or does not compute in that precision; or the environment asks for instructions that this machine does not have.</exception>
    public static IKernels Create(in DeviceChoice choice, out string? note)
    {
        note = null;
        switch (choice.Device.Kind)
        {
            case DeviceKind.Cuda:
                return OpenGpu(choice);
            case DeviceKind.Cpu:
                return OpenCpu(choice, "the CPU was asked for");
            default:
                string? obstacle = CudaSupport.Obstacle(out bool isGpuThere);
                if (obstacle is null)
                {
                    try
                    {
                        return OpenGpu(choice);
                    }
                    catch (InputException error)
                    {
                        obstacle = error.Message;
                    }
                }

                note = isGpuThere ? $"the GPU is not used: {obstacle}" : null;
                return OpenCpu(choice, obstacle);
        }
    }

    private static CpuKernels OpenCpu(in DeviceChoice choice, string reason)
    {
        if (choice.Precision != Precision.Float32)
        {
            throw new InputException($"precision {Name(choice.Precision)} needs a GPU, since the CPU computes in fp32 alone, and {reason}");
        }

        try
        {
            return new CpuKernels(choice.Threads);
        }
        catch (NotSupportedException error)
        {
            throw new InputException(error.Message, error);
        }
    }

    private static CudaKernels OpenGpu(in DeviceChoice choice)
    {
        try
        {
            CudaPrecision precision = choice.Precision switch
            {
                Precision.BFloat16 => CudaPrecision.BFloat16,
                Precision.TensorFloat32 => CudaPrecision.TensorFloat32,
                _ => CudaPrecision.Float32,
            };
            return new CudaKernels(new CudaOptions(choice.Device.Ordinal, precision));
        }
        catch (CudaException error)
        {
            throw new InputException($"device {choice.Device} can't be used: {error.Message}", error);
        }
    }

    /// <summary>A precision as users write it.</summary>
    public static string Name(Precision precision) => precision switch
    {
        Precision.BFloat16 => "bf16",
        Precision.TensorFloat32 => "tf32",
        _ => "fp32",
    };
}
