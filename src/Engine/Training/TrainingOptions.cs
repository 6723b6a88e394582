using MnrEngine.Losses;
using MnrEngine.Optimizers;

namespace MnrEngine.Training;

/// <summary>How the number of warm-up steps follows from a ratio.</summary>
public enum WarmupRounding
{
    /// <summary>Rounded up, as today's Trainer does.</summary>
    Up,

    /// <summary>Rounded down, as the article and the old scripts do.</summary>
    Down,
}

/// <summary>The learning-rate schedule before the number of steps is known.</summary>
/// <param name="Kind">The curve.</param>
/// <param name="WarmupSteps">Warm-up steps, or null to derive them from <paramref name="WarmupRatio"/>.</param>
/// <param name="WarmupRatio">Warm-up as a share of the steps that <paramref name="WarmupOf"/> names.</param>
/// <param name="Rounding">How the share is rounded.</param>
/// <param name="WarmupOf">What <paramref name="WarmupRatio"/> is a share of.</param>
/// <param name="TotalSteps">The step at which a falling curve reaches 0, or null for the end of the run.</param>
/// <param name="ShortenedByWarmup">The article's quirk: the curve reaches 0 as many steps before the end as there are warm-up steps.</param>
public sealed record ScheduleOptions(
    ScheduleKind Kind = ScheduleKind.Linear,
    int? WarmupSteps = null,
    double WarmupRatio = 0,
    WarmupRounding Rounding = WarmupRounding.Up,
    WarmupBase WarmupOf = WarmupBase.Run,
    int? TotalSteps = null,
    bool ShortenedByWarmup = false)
{
    /// <summary>The schedule of a run.</summary>
    /// <param name="fullBatchSteps">Steps of the run if each epoch had only full batches: what the article counts.</param>
    /// <param name="stepsPerEpoch">Optimizer steps of one epoch.</param>
    /// <param name="runSteps">Optimizer steps of the run.</param>
    public LearningRateSchedule Resolve(int fullBatchSteps, int stepsPerEpoch, int runSteps)
    {
        int steps = WarmupOf switch
        {
            WarmupBase.Epoch => stepsPerEpoch,
            WarmupBase.FullBatches => fullBatchSteps,
            _ => runSteps,
        };
        double share = steps * WarmupRatio;
        int warmup = WarmupSteps ?? (int)(Rounding == WarmupRounding.Up ? Math.Ceiling(share) : Math.Floor(share));
        int end = TotalSteps ?? (ShortenedByWarmup ? fullBatchSteps - warmup : runSteps);
        return new LearningRateSchedule(Kind, warmup, end);
    }
}

/// <summary>The number of steps that a warm-up ratio is a share of.</summary>
public enum WarmupBase
{
    /// <summary>All steps of the run.</summary>
    Run,

    /// <summary>The steps of one epoch, as users of the old <c>fit</c> computed it.</summary>
    Epoch,

    /// <summary>The steps of the run if the last short batch of an epoch were dropped: what the article computes, <c>int(rows / batch_size)</c>.</summary>
    FullBatches,
}

/// <summary>Everything that decides a run besides the model and the data.</summary>
public sealed record TrainingOptions
{
    /// <summary>Rows of a batch.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Passes over the data.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Optimizer steps of the run, instead of <see cref="Epochs"/>; null to count epochs.</summary>
    public int? MaxSteps { get; init; }

    /// <summary>Batches whose gradients are averaged for one step. Each has only its own in-batch negatives.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>The seed of dropout (the sampler has its own).</summary>
    public long Seed { get; init; } = 42;

    /// <summary>The loss.</summary>
    public SentenceLoss Loss { get; init; } = new MultipleNegativesRankingLoss();

    /// <summary>The optimizer.</summary>
    public required OptimizerOptions Optimizer { get; init; }

    /// <summary>The learning-rate schedule.</summary>
    public ScheduleOptions Schedule { get; init; } = new();

    /// <summary>Dropout instead of the model's own probabilities, or null.</summary>
    public double? Dropout { get; init; }

    /// <summary>Evaluate every so many steps, or 0.</summary>
    public int EvaluateEverySteps { get; init; }

    /// <summary>Evaluate before the first step.</summary>
    public bool EvaluateAtStart { get; init; } = true;

    /// <summary>Evaluate after the last step.</summary>
    public bool EvaluateAtEnd { get; init; } = true;

    /// <summary>Whether the weights of the best evaluation become the result, instead of the last ones.</summary>
    public bool KeepBest { get; init; }

    /// <summary>The key of the figure that tells which evaluation is best, of whichever evaluator; null for the first evaluator's primary one. Larger is better.</summary>
    public string? MetricForBestModel { get; init; }

    /// <summary>Write a checkpoint every so many steps, or 0 for none but the one of an interrupted run.</summary>
    public int CheckpointEverySteps { get; init; }

    /// <summary>How many checkpoints are kept.</summary>
    public int CheckpointsKept { get; init; } = 2;

    /// <summary>Hand finished steps to the observer every so many steps.</summary>
    public int ReportEverySteps { get; init; } = 10;
}
