using MnrEngine.Kernels.Cpu;

namespace MnrEngine.Kernels.Tests.Cpu;

/// <summary>Counts the managed memory that some threads have asked for since they started; that of the test runner's threads is left out.</summary>
internal static unsafe class AllocatedBytes
{
    public static long Of(CpuThreads threads)
    {
        long* bytes = stackalloc long[threads.Count];
        threads.Run(new Ask(bytes), threads.Count);
        long sum = 0;
        for (int i = 0; i < threads.Count; i++)
        {
            sum += bytes[i];
        }

        return sum;
    }

    // With as many parts as threads, each thread runs one.
    private readonly struct Ask(long* bytes) : IParallelJob
    {
        private readonly long* _bytes = bytes;

        public void Execute(int part, int thread) => _bytes[part] = GC.GetAllocatedBytesForCurrentThread();
    }
}
