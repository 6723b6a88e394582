namespace MnrEngine.Kernels.Cpu;

/// <summary>Work on a run of elements (rows, blocks, sentences) of which any part may be done by any thread.</summary>
internal interface IRangeJob
{
    /// <summary>Does the elements from <paramref name="start"/> up to <paramref name="end"/>. What is written for an element does not depend on how the run is cut.</summary>
    /// <param name="thread">Which thread does it, below the number of threads: for working memory of its own.</param>
    /// <param name="start">The first element.</param>
    /// <param name="end">The one after the last.</param>
    void Execute(int thread, int start, int end);
}

/// <summary>Cuts a run into even parts, some for each thread.</summary>
internal static class RangeJobs
{
    /// <summary>Runs a job over all elements and returns when it is done.</summary>
    /// <param name="threads">The threads.</param>
    /// <param name="job">The job; it is copied.</param>
    /// <param name="total">Number of elements.</param>
    /// <param name="least">The least number of elements worth a part of their own.</param>
    public static void Run<TJob>(this CpuThreads threads, in TJob job, int total, int least = 1)
        where TJob : struct, IRangeJob
    {
        int parts = Math.Clamp(total / Math.Max(least, 1), 1, threads.UsefulParts);
        threads.Run(new Part<TJob>(job, total, parts), parts);
    }

    private readonly struct Part<TJob>(TJob job, int total, int parts) : IParallelJob
        where TJob : struct, IRangeJob
    {
        private readonly TJob _job = job;

        public void Execute(int part, int thread)
        {
            (int start, int end) = CpuThreads.Range(total, 1, part, parts);
            _job.Execute(thread, start, end);
        }
    }
}
