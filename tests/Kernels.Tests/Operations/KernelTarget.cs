using MnrEngine.Kernels.Cpu;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>
/// An implementation of <see cref="IKernels"/> that the tests of the operations run on; this is the one place that names implementations, the tests see nothing
/// but the contract. The environment variable MNR_KERNELS chooses another than the CPU.
/// </summary>
/// <param name="Name">Its name in the tests' names.</param>
/// <param name="Create">Starts it.</param>
internal sealed record KernelTarget(string Name, Func<IKernels> Create)
{
    public const string Variable = "MNR_KERNELS";

    public static IEnumerable<KernelTarget> All => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" or "cpu" =>
            from set in Enum.GetValues<CpuInstructionSet>()
            where CpuInstructionSets.IsSupported(set)
            select new KernelTarget("cpu-" + set.Name(), () => new CpuKernels(2, set)),
        string name => throw new NotSupportedException($"{Variable} is {name}; expected cpu"),
    };

    public override string ToString() => Name;
}
