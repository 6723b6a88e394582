using MnrEngine.Kernels;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Runs;

/// <summary>Chooses what computes.</summary>
internal static class Devices
{
    /// <summary>Opens a device.</summary>
    /// <param name="device">Which one.</param>
    /// <param name="threads">Threads of the CPU; null for one a core.</param>
    /// <exception cref="InputException">The environment asks for instructions that this machine does not have.</exception>
    public static IKernels Create(Device device, int? threads)
    {
        try
        {
            return device switch
            {
                Device.Auto or Device.Cpu => new CpuKernels(threads ?? 0),
                _ => throw new InvalidOperationException($"no device {device}"),
            };
        }
        catch (NotSupportedException error)
        {
            throw new InputException(error.Message, error);
        }
    }
}
