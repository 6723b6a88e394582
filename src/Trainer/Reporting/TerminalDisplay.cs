using System.Globalization;
using MnrEngine.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MnrEngine.Trainer.Reporting;

/// <summary>One live line at the bottom of the terminal: bar, step, loss, learning rate, speed, time left. Messages scroll by above it.</summary>
internal sealed class TerminalDisplay : IRunDisplay
{
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(250);

    private readonly IAnsiConsole _console;
    private readonly Throughput _throughput = new();
    private ProgressTask? _bar;
    private RunPlan? _plan;

    // Written by the training thread, read by the one that draws.
    private volatile string _figures = "preparing";

    /// <summary>Shows the run on a terminal.</summary>
    public TerminalDisplay(IAnsiConsole console)
    {
        _console = console;
    }

    /// <inheritdoc/>
    public T Run<T>(Func<T> training)
    {
        Progress progress = _console.Progress().AutoClear(true).HideCompleted(false).Columns(new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new FiguresColumn(this));
        progress.RefreshRate = RefreshInterval;
        return progress.Start(context =>
        {
            _bar = context.AddTask("training");
            return training();
        });
    }

    /// <inheritdoc/>
    public void Started(RunPlan plan)
    {
        _plan = plan;
        if (_bar is not null)
        {
            _bar.MaxValue = Math.Max(1, plan.Steps);
            _bar.Value = plan.FirstStep;
        }

        _figures = $"step {plan.FirstStep}/{plan.Steps}";
    }

    /// <inheritdoc/>
    public void StepsFinished(IReadOnlyList<StepRecord> steps)
    {
        foreach (StepRecord step in steps)
        {
            _throughput.Add(step);
        }

        StepRecord last = steps[^1];
        if (_bar is not null)
        {
            _bar.Value = last.Step;
        }

        _figures = string.Create(
            CultureInfo.InvariantCulture,
            $"step {last.Step}/{_plan!.Steps}  loss {last.Loss:0.0000}  lr {last.LearningRate:0.00e+0}  {_throughput.RowsPerSecond:N0} pairs/s  {_throughput.TokensPerSecond:N0} tokens/s  {Durations.Text(_throughput.TimeFor(_plan.Steps - last.Step))} left");
    }

    /// <inheritdoc/>
    public void Message(string line) => _console.WriteLine(line);

    private sealed class FiguresColumn(TerminalDisplay display) : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Spectre.Console.Text(display._figures).Overflow(Overflow.Ellipsis);
    }
}
