namespace MnrEngine.Kernels.Cpu;

/// <summary>Work cut into parts that may run at the same time, for <see cref="CpuThreads.Run"/>.</summary>
public interface IParallelJob
{
    /// <summary>Does one part. Parts write to different places, and what they write does not depend on how many parts there are.</summary>
    /// <param name="part">From 0 to the number of parts less one.</param>
    /// <param name="thread">Which thread does it, from 0 to <see cref="CpuThreads.Count"/> - 1: for working memory of its own.</param>
    void Execute(int part, int thread);
}
