using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MnrEngine.Kernels.Bench;
using MnrEngine.Kernels.Cpu;

// Usage: MnrEngine.Kernels.Bench gemm [threads] [tokens]     matrix products beside the peak and beside OpenBLAS
//        MnrEngine.Kernels.Bench bandwidth [threads]         the memory's ceiling, as a JSON object
//        MnrEngine.Kernels.Bench [BenchmarkDotNet's options]  every other operation; for example --filter '*Attention*'
// MNR_CPU_ISA chooses the instruction set.
if (args is not ["gemm" or "bandwidth", ..])
{
    // In this process: a generated project would have this repository's warnings as errors.
    IConfig config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
    BenchmarkSwitcher.FromTypes([typeof(OperationBenchmarks)]).Run(args.Length == 0 ? ["--filter", "*"] : args, config);
    return;
}

using CpuThreads threads = new(args.Length > 1 ? int.Parse(args[1]) : 0);
switch (CpuInstructionSets.Selected())
{
    case CpuInstructionSet.Avx512:
        Run<Float512>();
        break;
    case CpuInstructionSet.Avx2:
        Run<Float256>();
        break;
    default:
        Run<FloatPortable>();
        break;
}

void Run<TVector>()
    where TVector : struct, IFloatVector<TVector>
{
    if (args[0] == "bandwidth")
    {
        BandwidthBench<TVector>.Run(threads);
    }
    else
    {
        GemmBench<TVector>.Run(threads, args.Length > 2 ? int.Parse(args[2]) : 1280);
    }
}
