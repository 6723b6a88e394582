using MnrEngine.Kernels.Cpu;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>
/// Which implementation of <see cref="IKernels"/> the tests of the operations run on: the one place that names implementations. The environment variable
/// MNR_KERNELS chooses; the tests see nothing but the contract.
/// </summary>
internal static class KernelTarget
{
    public const string Variable = "MNR_KERNELS";

    public static string Name => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } name ? name : "cpu";

    public static IKernels Create() => Name switch
    {
        "cpu" => new CpuKernels(),
        _ => throw new NotSupportedException($"{Variable} is {Name}; expected cpu"),
    };
}
