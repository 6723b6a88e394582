namespace MnrEngine.Kernels.Cpu;

/// <summary>The families of vector instructions that the CPU kernels are written for, from the narrowest to the widest.</summary>
public enum CpuInstructionSet
{
    /// <summary>Whatever <see cref="System.Numerics.Vector{T}"/> maps to: ARM, or x86 without AVX2.</summary>
    Portable,

    /// <summary>x86 with AVX2 and FMA: 8 floats an instruction.</summary>
    Avx2,

    /// <summary>x86 with AVX-512 F, BW, DQ and VL: 16 floats an instruction.</summary>
    Avx512,
}
