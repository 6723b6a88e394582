using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Cuda;
using MnrEngine.Testing;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>
/// An implementation of <see cref="IKernels"/> that the tests of the operations run on; this is the one place that names implementations, the tests see nothing
/// but the contract. The environment variable MNR_KERNELS chooses one: <c>cpu</c>, <c>host</c> (the CUDA kernels without a GPU, see <see cref="HostCuda"/>) or <c>cuda</c> (on a GPU). Without
/// it the first two are tested.
/// </summary>
/// <param name="Name">Its name in the tests' names.</param>
/// <param name="Create">Starts it, or gives what was started before.</param>
/// <param name="IsCuda">Whether it is the CUDA implementation. That one is started once: starting takes longer than most tests.</param>
internal sealed record KernelTarget(string Name, Func<IKernels> Create, bool IsCuda = false)
{
    private static readonly Dictionary<(HostSettings Settings, CudaPrecision Precision), IKernels> Started = [];

    /// <summary>Those that the suite runs on.</summary>
    public static IEnumerable<KernelTarget> All => Environment.GetEnvironmentVariable(CudaTarget.Variable) switch
    {
        null or "" => [.. Cpu, Cuda("host")],
        "cpu" => Cpu,
        "host" or "cuda" => [Cuda(Environment.GetEnvironmentVariable(CudaTarget.Variable)!)],
        string name => throw new NotSupportedException($"{CudaTarget.Variable} is {name}; expected cpu, host or cuda"),
    };

    /// <summary>Those that large shapes are run on: the CPU with its widest instructions, and the CUDA implementation in single precision and with activations in bf16.</summary>
    public static IEnumerable<KernelTarget> OfEveryPrecision =>
        All.Where(static target => target.IsCuda || target.Name == NameOf(CpuInstructionSets.Widest)).SelectMany(static target => target.IsCuda ? [target, target.InHalf] : (KernelTarget[])[target]);

    /// <summary>The same and a GPU of the size that is trained on, for operations that divide their work by it.</summary>
    public static IEnumerable<KernelTarget> WithLargeGpu => [.. All, .. OnTheHost(HostSettings.LargeGpu)];

    /// <summary>The same, with the host also running work as late as it can, and in another order.</summary>
    public static IEnumerable<KernelTarget> InOtherOrders => [.. All, .. OnTheHost(HostSettings.LateStreams, HostSettings.RandomOrder)];

    /// <summary>The same, and the host with products summed in another order: NVIDIA's library promises none, so nothing may depend on it.</summary>
    public static IEnumerable<KernelTarget> WithOtherProducts => [.. All, .. OnTheHost(HostSettings.OtherProducts)];

    /// <summary>The tests' operands have as many rows as the batch has tokens; rounding up is tested where it matters.</summary>
    public static CudaOptions ExactShapes => new() { TokenBucket = 1 };

    /// <summary>Whether the target has attention for heads of this width; it refuses others.</summary>
    public bool HasAttentionFor(int headDim) => !IsCuda || CudaKernels.SupportsHeadDim(headDim);

    public override string ToString() => Name;

    private static IEnumerable<KernelTarget> Cpu =>
        from set in Enum.GetValues<CpuInstructionSet>()
        where CpuInstructionSets.IsSupported(set)
        select new KernelTarget(NameOf(set), () => new CpuKernels(2, set));

    private static string NameOf(CpuInstructionSet set) => "cpu-" + set.Name();

    private KernelTarget InHalf => this with { Name = Name + "-bf16", Create = static () => Start(HostSettings.Usual, CudaPrecision.BFloat16) };

    private static IEnumerable<KernelTarget> OnTheHost(params IReadOnlyList<HostSettings> settings) =>
        HostSettings.OnTheHost(settings).Select(static settings => Cuda($"host, {settings}", settings));

    private static KernelTarget Cuda(string name, HostSettings? settings = null) => new(name, () => Start(settings ?? HostSettings.Usual), IsCuda: true);

    private static IKernels Start(HostSettings settings, CudaPrecision precision = CudaPrecision.Float32)
    {
        if (!Started.TryGetValue((settings, precision), out IKernels? kernels))
        {
            kernels = CudaTarget.Create(ExactShapes with { Precision = precision }, settings);
            Started.Add((settings, precision), kernels);
        }
        else if (!CudaTarget.IsGpu)
        {
            settings.Apply();
        }

        return kernels;
    }
}
