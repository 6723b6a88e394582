namespace MnrEngine.Trainer.Profiling;

/// <summary>How a training run is watched; nothing of it changes what is computed.</summary>
/// <param name="Trace">The trace to write, or null for none.</param>
/// <param name="TraceSteps">The training steps in it; null for all, and batches that are only encoded as well.</param>
/// <param name="ProfileSteps">The steps that a profiler of the device shall record, or null.</param>
internal sealed record ProfilingOptions(string? Trace = null, StepRange? TraceSteps = null, StepRange? ProfileSteps = null);
