using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Cuda;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>
/// An implementation of <see cref="IKernels"/> that the tests of the operations run on; this is the one place that names implementations, the tests see nothing
/// but the contract. The environment variable MNR_KERNELS chooses one: <c>cpu</c>, <c>host</c> (the CUDA kernels without a GPU, see <see cref="HostCuda"/>) or <c>cuda</c> (on a GPU). Without
/// it the first two are tested.
/// </summary>
/// <param name="Name">Its name in the tests' names.</param>
/// <param name="Create">Starts it.</param>
/// <param name="IsCuda">Whether it is the CUDA implementation.</param>
internal sealed record KernelTarget(string Name, Func<IKernels> Create, bool IsCuda = false)
{
    public const string Variable = "MNR_KERNELS";

    public static IEnumerable<KernelTarget> All => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" => [.. Cpu, Host],
        "cpu" => Cpu,
        "host" => [Host],
        "cuda" => [new KernelTarget("cuda", () => new CudaKernels(ExactShapes), IsCuda: true)],
        string name => throw new NotSupportedException($"{Variable} is {name}; expected cpu, host or cuda"),
    };

    /// <summary>Those of CUDA.</summary>
    public static IEnumerable<KernelTarget> Cuda => All.Where(static target => target.IsCuda);

    /// <summary>Whether the target has attention for heads of this width; it refuses others.</summary>
    public bool HasAttentionFor(int headDim) => !IsCuda || CudaKernels.SupportsHeadDim(headDim);

    public override string ToString() => Name;

    /// <summary>The tests' operands have as many rows as the batch has tokens; rounding up is tested where it matters.</summary>
    public static CudaOptions ExactShapes => new() { TokenBucket = 1 };

    private static IEnumerable<KernelTarget> Cpu =>
        from set in Enum.GetValues<CpuInstructionSet>()
        where CpuInstructionSets.IsSupported(set)
        select new KernelTarget("cpu-" + set.Name(), () => new CpuKernels(2, set));

    private static KernelTarget Host => new("host", () => CreateHost(ExactShapes), IsCuda: true);

    /// <summary>The CUDA implementation on the host, or the test is skipped where that can't be built.</summary>
    public static IKernels CreateHost(CudaOptions options)
    {
        if (!HostCuda.Use())
        {
            Assert.Ignore(HostCuda.Reason);
        }

        return new CudaKernels(options);
    }
}
