using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>The ceiling that everything else is measured against: how many floating-point operations a second the threads do on registers alone.</summary>
public static unsafe class FmaPeak
{
    private const int Chains = 12;
    private const int Iterations = 200_000;
    private const int Attempts = 5;
    private const int SustainedParts = 128;

    /// <summary>Runs independent chains of fused multiply-adds on all threads, a few times for about a millisecond, and returns the best rate.</summary>
    /// <param name="threads">The threads to measure.</param>
    /// <param name="set">The instruction set to measure.</param>
    /// <returns>Operations a second over all threads; a fused multiply-add counts as two for each lane.</returns>
    public static double Measure(CpuThreads threads, CpuInstructionSet set)
    {
        double best = 0;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            best = Math.Max(best, Rate(threads, set, partsOfThread: 1));
        }

        return best;
    }

    /// <summary>As <see cref="Measure(CpuThreads, CpuInstructionSet)"/>, with the instructions that the kernels use.</summary>
    /// <param name="threads">The threads to measure.</param>
    public static double Measure(CpuThreads threads) => Measure(threads, CpuInstructionSets.Selected());

    /// <summary>
    /// As <see cref="Measure(CpuThreads, CpuInstructionSet)"/>, but the mean rate over some fifty milliseconds: what interrupts and neighbours take from a loop as they take it from
    /// anything that runs longer than a moment.
    /// </summary>
    /// <param name="threads">The threads to measure.</param>
    /// <param name="set">The instruction set to measure.</param>
    /// <returns>Operations a second over all threads.</returns>
    public static double MeasureSustained(CpuThreads threads, CpuInstructionSet set) => Rate(threads, set, SustainedParts);

    private static double Rate(CpuThreads threads, CpuInstructionSet set, int partsOfThread) => set switch
    {
        CpuInstructionSet.Avx512 => Rate<Float512>(threads, partsOfThread),
        CpuInstructionSet.Avx2 => Rate<Float256>(threads, partsOfThread),
        _ => Rate<FloatPortable>(threads, partsOfThread),
    };

    private static double Rate<TVector>(CpuThreads threads, int partsOfThread)
        where TVector : struct, IFloatVector<TVector>
    {
        int parts = partsOfThread * threads.Count;
        long start = Stopwatch.GetTimestamp();
        threads.Run(default(Job<TVector>), parts);
        return 2.0 * TVector.Count * Chains * Iterations * parts / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private readonly struct Job<TVector> : IParallelJob
        where TVector : struct, IFloatVector<TVector>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int part, int thread)
        {
            TVector factor = TVector.Broadcast(0.999f);
            TVector term = TVector.Broadcast(0.001f);
            TVector a = TVector.Zero, b = TVector.Zero, c = TVector.Zero, d = TVector.Zero, e = TVector.Zero, f = TVector.Zero;
            TVector g = TVector.Zero, h = TVector.Zero, i = TVector.Zero, j = TVector.Zero, k = TVector.Zero, l = TVector.Zero;
            for (int iteration = 0; iteration < Iterations; iteration++)
            {
                a = TVector.MultiplyAdd(a, factor, term);
                b = TVector.MultiplyAdd(b, factor, term);
                c = TVector.MultiplyAdd(c, factor, term);
                d = TVector.MultiplyAdd(d, factor, term);
                e = TVector.MultiplyAdd(e, factor, term);
                f = TVector.MultiplyAdd(f, factor, term);
                g = TVector.MultiplyAdd(g, factor, term);
                h = TVector.MultiplyAdd(h, factor, term);
                i = TVector.MultiplyAdd(i, factor, term);
                j = TVector.MultiplyAdd(j, factor, term);
                k = TVector.MultiplyAdd(k, factor, term);
                l = TVector.MultiplyAdd(l, factor, term);
            }

            Keep(a + b + c + d + e + f + g + h + i + j + k + l);
        }

        /// <summary>Takes the result, so that the compiler can't leave its computation out.</summary>
        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Keep(TVector value)
        {
            float* place = stackalloc float[TVector.Count];
            TVector.Store(value, place);
        }
    }
}
