using System.Runtime.Intrinsics.X86;

namespace MnrEngine.Kernels.Cpu;

/// <summary>Which instruction sets this machine has and which one is used.</summary>
public static class CpuInstructionSets
{
    /// <summary>The environment variable that overrides the choice: avx512, avx2 or portable.</summary>
    public const string OverrideVariable = "MNR_CPU_ISA";

    /// <summary>The widest set of this machine.</summary>
    public static CpuInstructionSet Widest =>
        IsSupported(CpuInstructionSet.Avx512) ? CpuInstructionSet.Avx512
        : IsSupported(CpuInstructionSet.Avx2) ? CpuInstructionSet.Avx2
        : CpuInstructionSet.Portable;

    /// <summary>The set to use: what the environment variable <see cref="OverrideVariable"/> names, else the widest.</summary>
    /// <exception cref="NotSupportedException">The variable names no set, or one that this machine has not.</exception>
    public static CpuInstructionSet Selected() => Select(Environment.GetEnvironmentVariable(OverrideVariable));

    /// <summary>Whether this machine can run code of a set.</summary>
    public static bool IsSupported(CpuInstructionSet set) => set switch
    {
        CpuInstructionSet.Avx512 => Avx512F.IsSupported && Avx512DQ.IsSupported,
        CpuInstructionSet.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        _ => true,
    };

    /// <summary>The name of a set as logs and the environment variable write it.</summary>
    public static string Name(this CpuInstructionSet set) => set switch
    {
        CpuInstructionSet.Avx512 => "avx512",
        CpuInstructionSet.Avx2 => "avx2",
        _ => "portable",
    };

    /// <summary>The set that a value of the environment variable stands for.</summary>
    internal static CpuInstructionSet Select(string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            return Widest;
        }

        foreach (CpuInstructionSet set in (ReadOnlySpan<CpuInstructionSet>)[CpuInstructionSet.Avx512, CpuInstructionSet.Avx2, CpuInstructionSet.Portable])
        {
            if (string.Equals(name, set.Name(), StringComparison.OrdinalIgnoreCase))
            {
                return IsSupported(set) ? set : throw new NotSupportedException($"{OverrideVariable} is {name}, but this machine has no such instructions.");
            }
        }

        throw new NotSupportedException($"{OverrideVariable} is {name}; expected avx512, avx2 or portable.");
    }
}
