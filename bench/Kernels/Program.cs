using MnrEngine.Kernels.Bench;
using MnrEngine.Kernels.Cpu;

// Usage: MnrEngine.Kernels.Bench [threads] [tokens]; MNR_CPU_ISA chooses the instruction set.
int count = args.Length > 0 ? int.Parse(args[0]) : 0;
int tokens = args.Length > 1 ? int.Parse(args[1]) : 1280;
using CpuThreads threads = new(count);
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
