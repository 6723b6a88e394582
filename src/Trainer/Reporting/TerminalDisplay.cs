using System.Globalization;
using MnrEngine.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MnrEngine.Trainer.Reporting;

/// <summary>One live line at the bottom of the terminal: bar, step, loss, learning rate, speed, time left. Messages scroll by above it.</summary>
internal sealed class TerminalDisplay : IRunDisplay
{
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(250);
    private const int LongestBar = 24;
    private const int ShortestBar = 5;

    private readonly IAnsiConsole _console;
    private readonly Throughput _throughput = new();
    private ProgressTask? _bar;
    private RunPlan? _plan;

    // Written by the training thread, read by the one that draws.
    private volatile string[] _figures = ["preparing"];

    /// <summary>Shows the run on a terminal.</summary>
    public TerminalDisplay(IAnsiConsole console)
    {
        _console = console;
    }

    /// <inheritdoc/>
    public T Run<T>(Func<T> training)
    {
        Progress progress = _console.Progress().AutoClear(true).HideCompleted(false).Columns(new LineColumn(this));
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

        _figures = [$"step {plan.FirstStep}/{plan.Steps}"];
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

        _figures =
        [
            $"step {last.Step}/{_plan!.Steps}",
            string.Create(CultureInfo.InvariantCulture, $"loss {last.Loss:0.0000}"),
            string.Create(CultureInfo.InvariantCulture, $"lr {last.LearningRate:0.00e+0}"),
            string.Create(CultureInfo.InvariantCulture, $"{_throughput.RowsPerSecond:N0} pairs/s"),
            string.Create(CultureInfo.InvariantCulture, $"{_throughput.TokensPerSecond:N0} tokens/s"),
            $"{Durations.Text(_throughput.TimeFor(_plan.Steps - last.Step))} left",
        ];
    }

    /// <inheritdoc/>
    public void Message(string line) => _console.WriteLine(line);

    /// <summary>The whole line, on one row of the terminal whatever its width: the figures, closer together where it is narrow, and a bar in the room that they leave.</summary>
    private sealed class LineColumn(TerminalDisplay display) : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            int width = options.ConsoleSize.Width - 1;
            string[] figures = display._figures;
            string text = string.Join("  ", figures);
            text = text.Length <= width ? text : string.Join(' ', figures);
            text = text.Length <= width ? text : string.Concat(text.AsSpan(0, Math.Max(0, width - 1)), "…");
            int bar = Math.Min(LongestBar, width - text.Length - 1);
            if (bar < ShortestBar)
            {
                return new Paragraph(text);
            }

            int filled = (int)(bar * Math.Clamp(task.Value / task.MaxValue, 0, 1));
            return new Paragraph()
                .Append(new string('━', filled), new Style(Color.Yellow))
                .Append(new string('━', bar - filled), new Style(Color.Grey))
                .Append(" " + text);
        }
    }
}
