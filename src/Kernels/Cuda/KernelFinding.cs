namespace MnrEngine.Kernels.Cuda;

/// <summary>Where the kernels for a GPU would come from when it is opened.</summary>
/// <param name="Origin">For messages: "kernels.fatbin beside the program"; null when they can be had nowhere.</param>
/// <param name="Obstacle">Why they can be had nowhere, and what to do; otherwise null.</param>
public sealed record KernelFinding(string? Origin, string? Obstacle);
