using MnrEngine.Training;

namespace MnrEngine.Trainer.Reporting;

/// <summary>What has happened in a run so far, before an interruption too: the source of the chart and of the TensorBoard file.</summary>
internal sealed class RunHistory
{
    /// <summary>The steps, each with the time when it finished.</summary>
    public List<(StepRecord Step, DateTimeOffset Time)> Steps { get; } = [];

    /// <summary>The evaluations, each with the time when it finished.</summary>
    public List<(EvaluationRecord Evaluation, DateTimeOffset Time)> Evaluations { get; } = [];

    /// <summary>The name of an evaluation's main figure without the evaluator's: <c>spearman_cosine</c>.</summary>
    public static string MetricName(EvaluationRecord evaluation) =>
        evaluation.PrimaryMetric.StartsWith(evaluation.Name + "_", StringComparison.Ordinal) ? evaluation.PrimaryMetric[(evaluation.Name.Length + 1)..] : evaluation.PrimaryMetric;

    /// <summary>What an evaluator's main figure was at the start, and what it is of the model that the run gave.</summary>
    /// <param name="evaluator">The evaluator's name.</param>
    /// <param name="step">The step whose weights were kept, or null for the last one.</param>
    /// <returns>Null when nothing was evaluated after a step.</returns>
    public EvaluatorScores? Scores(string evaluator, int? step)
    {
        List<EvaluationRecord> own = [.. Evaluations.Select(static e => e.Evaluation).Where(e => e.Name == evaluator)];
        EvaluationRecord? after = own.FindLast(e => e.Step > 0 && (step is null || e.Step == step));
        if (after is null)
        {
            return null;
        }

        return new EvaluatorScores(MetricName(after), own.Find(static e => e.Step == 0)?.Primary, after.Primary);
    }
}

/// <summary>An evaluator's main figure, before and after.</summary>
/// <param name="Metric">The figure's name, without the evaluator's.</param>
/// <param name="Before">Its value before the first step, if it was measured.</param>
/// <param name="After">Its value at the end.</param>
internal sealed record EvaluatorScores(string Metric, double? Before, double After);
