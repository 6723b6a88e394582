namespace MnrEngine.Kernels.Cuda;

/// <summary>Where a library was looked for and found.</summary>
/// <param name="Library">What it is: "the NVIDIA driver".</param>
/// <param name="Path">Its file; null when it was not found.</param>
/// <param name="Tried">What was tried, in order.</param>
/// <param name="Remedy">How to get it.</param>
/// <param name="Fault">Why what was found can't be used, and what to do; otherwise null.</param>
public sealed record LibraryFinding(string Library, string? Path, IReadOnlyList<string> Tried, string Remedy, string? Fault = null)
{
    /// <summary>Whether it was found.</summary>
    public bool IsFound => Path is not null;

    /// <summary>Whether it was found and can be used.</summary>
    public bool IsUsable => IsFound && Fault is null;

    /// <summary>Why it can't be used, and what to do; null when it can.</summary>
    public string? Obstacle => IsFound ? Fault : $"{Library} was not found; {Remedy}";
}
