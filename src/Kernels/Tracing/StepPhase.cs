namespace MnrEngine.Kernels.Tracing;

/// <summary>The parts of a step, in their order. With several micro-batches all but the last come again for each.</summary>
public enum StepPhase
{
    /// <summary>Learning rate, batch and dropout's state go to the device.</summary>
    Upload,

    /// <summary>The network and the loss.</summary>
    Forward,

    /// <summary>The gradients.</summary>
    Backward,

    /// <summary>Clipping and the optimizer.</summary>
    Optimizer,
}

/// <summary>The names of <see cref="StepPhase"/> in traces and tables.</summary>
public static class StepPhases
{
    private static readonly string[] Names = ["upload", "forward", "backward", "optimizer"];

    /// <summary>All phases, in their order.</summary>
    public static IReadOnlyList<StepPhase> All { get; } = Enum.GetValues<StepPhase>();

    /// <summary>The phase's name.</summary>
    public static string Name(this StepPhase phase) => Names[(int)phase];
}
