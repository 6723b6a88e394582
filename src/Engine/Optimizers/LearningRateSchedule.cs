namespace MnrEngine.Optimizers;

/// <summary>How the learning rate moves over a run, with transformers' names.</summary>
public enum ScheduleKind
{
    /// <summary>Up from 0 over the warm-up steps, then down to 0 in a straight line.</summary>
    Linear,

    /// <summary>The full rate from the first step.</summary>
    Constant,

    /// <summary>Up from 0 over the warm-up steps, then the full rate.</summary>
    ConstantWithWarmup,

    /// <summary>Up from 0 over the warm-up steps, then down to 0 along half a cosine.</summary>
    Cosine,
}

/// <summary>The learning rate of every optimizer step (transformers' <c>optimization.py</c>).</summary>
/// <param name="Kind">The curve.</param>
/// <param name="WarmupSteps">The steps over which the rate rises; the first of them runs at rate 0.</param>
/// <param name="TotalSteps">The step at which a falling curve reaches 0. It may lie before the end of the run.</param>
public sealed record LearningRateSchedule(ScheduleKind Kind, int WarmupSteps, int TotalSteps)
{
    /// <summary>The factor on the peak learning rate.</summary>
    /// <param name="step">The number of optimizer steps done before this one.</param>
    public double Factor(int step)
    {
        if (Kind == ScheduleKind.Constant)
        {
            return 1;
        }

        if (step < WarmupSteps)
        {
            return (double)step / Math.Max(1, WarmupSteps);
        }

        int falling = Math.Max(1, TotalSteps - WarmupSteps);
        return Kind switch
        {
            ScheduleKind.ConstantWithWarmup => 1,
            ScheduleKind.Linear => Math.Max(0, (double)(TotalSteps - step) / falling),
            ScheduleKind.Cosine => Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * (step - WarmupSteps) / falling))),
            _ => throw new InvalidOperationException($"no schedule {Kind}"),
        };
    }
}
