using System.Collections.Concurrent;

namespace MnrEngine.Kernels.Cuda.Compilation;

/// <summary>Which kernels the engine has and which it launches, for whoever has to know that nothing was left out; as long as nobody asks, nothing is noted.</summary>
internal static class KernelUse
{
    /// <summary>All that were looked up, or null. Set it before the first are.</summary>
    public static ConcurrentDictionary<string, bool>? Found { get; set; }

    /// <summary>Those that were launched since it was last emptied, or null. One that a graph replays counts when it is captured.</summary>
    public static ConcurrentDictionary<string, bool>? Launched { get; set; }
}
