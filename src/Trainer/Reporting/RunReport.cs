using System.Globalization;
using MnrEngine.Evaluation;
using MnrEngine.Optimizers;
using MnrEngine.Training;

namespace MnrEngine.Trainer.Reporting;

/// <summary>Writes down what happens in a run (metrics.jsonl, TensorBoard events, chart.png) and shows it.</summary>
internal sealed class RunReport : ITrainingObserver, IDisposable
{
    private readonly OutputFolder _folder;
    private readonly string _title;
    private readonly IRunDisplay _display;
    private MetricsFile? _metrics;
    private EventFile? _events;
    private bool _hasChart = true;

    /// <summary>Reports a run.</summary>
    /// <param name="folder">Where the files go.</param>
    /// <param name="title">The chart's title.</param>
    /// <param name="display">Shows it.</param>
    public RunReport(OutputFolder folder, string title, IRunDisplay display)
    {
        _folder = folder;
        _title = title;
        _display = display;
    }

    /// <summary>What happened so far, before an interruption too.</summary>
    public RunHistory History { get; private set; } = new();

    /// <summary>Whether the run has begun: what goes wrong now is no longer a matter of usage.</summary>
    public bool HasBegun => _metrics is not null;

    /// <inheritdoc/>
    public void Started(RunPlan plan)
    {
        _metrics = MetricsFile.Open(_folder.Metrics, plan.FirstStep, out RunHistory history);
        History = history;
        foreach (string csv in Directory.Exists(_folder.Evaluations) ? Directory.GetFiles(_folder.Evaluations, "*.csv") : [])
        {
            SimilarityCsv.CutAfter(csv, plan.FirstStep);
        }

        Directory.CreateDirectory(_folder.TensorBoard);
        _events = new EventFile(Path.Combine(_folder.TensorBoard, "events.out.tfevents.mnrengine"), history.Steps.Count > 0 ? history.Steps[0].Time : DateTimeOffset.UtcNow);
        foreach ((StepRecord step, DateTimeOffset time) in history.Steps)
        {
            AddEvent(step, time);
        }

        foreach ((EvaluationRecord evaluation, DateTimeOffset time) in history.Evaluations)
        {
            AddEvent(evaluation, time);
        }

        _display.Started(plan);
        _display.Message(Describe(plan));
        if (plan.Schedule.Kind != ScheduleKind.Constant && plan.Schedule.WarmupSteps >= plan.Steps)
        {
            _display.Message(string.Create(
                CultureInfo.InvariantCulture, $"note: the warm-up of {plan.Schedule.WarmupSteps:N0} steps is as long as the run, so that the learning rate does not get beyond its rise; warmup_steps or warmup_ratio sets it"));
        }
    }

    /// <inheritdoc/>
    public void Tokenized(int truncatedSentences)
    {
        string truncated = truncatedSentences == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"; {truncatedSentences:N0} were cut at the maximum length");
        _display.Message($"all sentences are tokenised{truncated}");
    }

    /// <inheritdoc/>
    public void StepsFinished(IReadOnlyList<StepRecord> steps)
    {
        DateTimeOffset time = DateTimeOffset.UtcNow - TimeSpan.FromSeconds(steps.Sum(static s => s.Seconds));
        foreach (StepRecord step in steps)
        {
            time += TimeSpan.FromSeconds(step.Seconds);
            History.Steps.Add((step, time));
            _metrics!.Add(step, time);
            AddEvent(step, time);
        }

        Flush();
        _display.StepsFinished(steps);
    }

    /// <inheritdoc/>
    public void Evaluated(EvaluationRecord evaluation)
    {
        DateTimeOffset time = DateTimeOffset.UtcNow;
        History.Evaluations.Add((evaluation, time));
        _metrics!.Add(evaluation, time);
        AddEvent(evaluation, time);
        Flush();
        SaveChart();
        _display.Message(string.Create(
            CultureInfo.InvariantCulture, $"step {evaluation.Step}: {evaluation.Name} {RunHistory.MetricName(evaluation)} {evaluation.Primary:0.0000}{(double.IsNaN(evaluation.Primary) ? ", since all scores or all similarities are the same" : "")} ({evaluation.Seconds:0.0} s)"));
    }

    /// <inheritdoc/>
    public void CheckpointWritten(int step, string folder) => _display.Message($"step {step}: checkpoint in {folder}");

    /// <summary>Draws the chart of what happened so far. A machine for which Skia has no library gets none, and is told so once; its run goes on.</summary>
    public void SaveChart()
    {
        if (!_hasChart)
        {
            return;
        }

        try
        {
            RunChart.Save(History, _title, _folder.Chart);
        }
        catch (Exception error) when (error is DllNotFoundException or TypeInitializationException)
        {
            _hasChart = false;
            _display.Message($"note: no chart can be drawn on this machine: {error.GetBaseException().Message.Split('\n')[0]}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _metrics?.Dispose();
        _events?.Dispose();
    }

    private static string Describe(RunPlan plan)
    {
        string from = plan.FirstStep == 0 ? "" : $" from step {plan.FirstStep} on";
        string truncated = plan.TruncatedSentences is null or 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {plan.TruncatedSentences:N0} sentences cut at the maximum length");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"training{from}: {plan.Rows:N0} rows{truncated}; {plan.Steps:N0} steps of {plan.StepsPerEpoch:N0} an epoch, {plan.Schedule.WarmupSteps:N0} of them warm-up; {plan.DeviceBytes / 1e6:N0} MB");
    }

    private void AddEvent(StepRecord step, DateTimeOffset time) => _events!.Add(
        time, step.Step, ("train/loss", step.Loss), ("train/learning_rate", step.LearningRate), ("train/grad_norm", step.GradientNorm), ("train/epoch", step.Epoch));

    private void AddEvent(EvaluationRecord evaluation, DateTimeOffset time) =>
        _events!.Add(time, evaluation.Step, [.. evaluation.Figures.Select(figure => ($"eval/{figure.Key}", figure.Value))]);

    private void Flush()
    {
        _metrics!.Flush();
        _events!.Flush();
    }
}
