using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using MnrEngine.Kernels.Cpu;

namespace MnrEngine.Kernels.Bench;

/// <summary>The memory's ceiling: y = 0.5 x + y over buffers far larger than a core's own caches, on all threads, best of several; three floats moved for each element.</summary>
internal static unsafe class BandwidthBench<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    private const int Elements = 1 << 25;
    private const int Attempts = 20;

    public static void Run(CpuThreads threads)
    {
        using NativeBuffer x = new((nuint)Elements * sizeof(float));
        using NativeBuffer y = new((nuint)Elements * sizeof(float));
        double best = 0;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            long start = Stopwatch.GetTimestamp();
            threads.Run(new Job(x.Floats, y.Floats, threads.Count), threads.Count);
            best = Math.Max(best, 3.0 * Elements * sizeof(float) / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{{\"threads\":{threads.Count},\"bytes_per_second\":{best:F0}}}"));
    }

    private readonly struct Job(float* x, float* y, int parts) : IParallelJob
    {
        private readonly float* _x = x;
        private readonly float* _y = y;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int part, int thread)
        {
            (int start, int end) = CpuThreads.Range(Elements, TVector.Count, part, parts);
            TVector half = TVector.Broadcast(0.5f);
            for (int i = start; i < end; i += TVector.Count)
            {
                TVector.Store(TVector.MultiplyAdd(TVector.Load(_x + i), half, TVector.Load(_y + i)), _y + i);
            }
        }
    }
}
