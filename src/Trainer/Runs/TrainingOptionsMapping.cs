using MnrEngine.Losses;
using MnrEngine.Optimizers;
using MnrEngine.Trainer.Config;
using MnrEngine.Training;

namespace MnrEngine.Trainer.Runs;

/// <summary>A config's words in the engine's.</summary>
internal static class TrainingOptionsMapping
{
    // Losses and norms wait on the device for so many steps at most, so that the live line moves.
    private const int MostStepsUnreported = 10;

    /// <summary>The options of a run.</summary>
    /// <param name="config">The config.</param>
    /// <param name="batchSize">Rows of the largest batch.</param>
    /// <param name="loss">The config's loss.</param>
    /// <param name="bestMetric">The figure that tells which evaluation is best, or null.</param>
    public static TrainingOptions ToOptions(this TrainingConfig config, int batchSize, SentenceLoss loss, string? bestMetric) => new()
    {
        BatchSize = batchSize,
        Epochs = config.Epochs,
        MaxSteps = config.MaxSteps,
        GradientAccumulationSteps = config.GradientAccumulationSteps,
        Seed = config.Seed,
        Loss = loss,
        Optimizer = new OptimizerOptions(
            config.LearningRate, config.WeightDecay, config.AdamBeta1, config.AdamBeta2, config.AdamEpsilon,
            DecoupledDecay: config.Optimizer == OptimizerName.AdamW, config.MaxGradNorm ?? double.PositiveInfinity,
            config.WeightDecayGroups == WeightDecayGroups.Fit ? DecayGroups.Fit : DecayGroups.Trainer, config.ClipLossParameters),
        Schedule = new ScheduleOptions(
            Kind(config.LrSchedulerType), config.WarmupSteps, config.WarmupRatio ?? 0,
            config.WarmupRounding == Rounding.Up ? WarmupRounding.Up : WarmupRounding.Down, Basis(config.WarmupOf), config.ScheduleSteps, config.ScheduleShortenedByWarmup),
        Dropout = config.Dropout,
        EvaluateEverySteps = config.Evaluation.EverySteps ?? 0,
        EvaluateAtStart = config.Evaluation.AtStart,
        EvaluateAtEnd = config.Evaluation.AtEnd,
        KeepBest = config.Evaluation.KeepBest,
        MetricForBestModel = bestMetric,
        CheckpointEverySteps = config.Checkpoints.EverySteps ?? 0,
        CheckpointsKept = config.Checkpoints.Keep,
        ReportEverySteps = Math.Min(config.LogEverySteps, MostStepsUnreported),
    };

    private static ScheduleKind Kind(SchedulerType type) => type switch
    {
        SchedulerType.Linear => ScheduleKind.Linear,
        SchedulerType.Cosine => ScheduleKind.Cosine,
        SchedulerType.ConstantWithWarmup => ScheduleKind.ConstantWithWarmup,
        SchedulerType.Constant => ScheduleKind.Constant,
        _ => throw new InvalidOperationException($"no schedule {type}"),
    };

    private static WarmupBase Basis(WarmupBasis basis) => basis switch
    {
        WarmupBasis.Run => WarmupBase.Run,
        WarmupBasis.Epoch => WarmupBase.Epoch,
        WarmupBasis.FullBatches => WarmupBase.FullBatches,
        _ => throw new InvalidOperationException($"no such basis {basis}"),
    };
}
