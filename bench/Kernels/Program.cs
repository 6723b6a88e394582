using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MnrEngine.Kernels.Bench;
using MnrEngine.Kernels.Cpu;

// Usage: MnrEngine.Kernels.Bench gemm [threads] [tokens]     matrix products beside the peak and beside OpenBLAS
//        MnrEngine.Kernels.Bench [BenchmarkDotNet's options]  every other operation; for example --filter '*Attention*'
// MNR_CPU_ISA chooses the instruction set.
if (args is not ["gemm", ..])
{
    // In this process: a generated project would have this repository's warnings as errors.
    IConfig config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
    BenchmarkSwitcher.FromTypes([typeof(OperationBenchmarks)]).Run(args.Length == 0 ? ["--filter", "*"] : args, config);
    return;
}

using CpuThreads threads = new(args.Length > 1 ? int.Parse(args[1]) : 0);
int tokens = args.Length > 2 ? int.Parse(args[2]) : 1280;
switch (CpuInstructionSets.Selected())
{
    case CpuInstructionSet.Avx512:
        GemmBench<Float512>.Run(threads, tokens);
        break;
    case CpuInstructionSet.Avx2:
        GemmBench<Float256>.Run(threads, tokens);
        break;
    default:
        GemmBench<FloatPortable>.Run(threads, tokens);
        break;
}
