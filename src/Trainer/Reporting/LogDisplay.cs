using System.Globalization;
using MnrEngine.Training;

namespace MnrEngine.Trainer.Reporting;

/// <summary>Plain lines, for a log file or a build server: one every so many steps.</summary>
internal sealed class LogDisplay : IRunDisplay
{
    private readonly TextWriter _output;
    private readonly int _everySteps;
    private readonly Throughput _throughput = new();
    private RunPlan? _plan;

    /// <summary>Shows the run on a writer.</summary>
    /// <param name="output">Where the lines go.</param>
    /// <param name="everySteps">Steps between two lines.</param>
    public LogDisplay(TextWriter output, int everySteps)
    {
        _output = output;
        _everySteps = everySteps;
    }

    /// <inheritdoc/>
    public T Run<T>(Func<T> training) => training();

    /// <inheritdoc/>
    public void Started(RunPlan plan) => _plan = plan;

    /// <inheritdoc/>
    public void StepsFinished(IReadOnlyList<StepRecord> steps)
    {
        foreach (StepRecord step in steps)
        {
            _throughput.Add(step);
            if (step.Step % _everySteps == 0 || step.Step == _plan!.Steps)
            {
                Message(Line(step, _plan!.Steps));
            }
        }
    }

    /// <inheritdoc/>
    public void Message(string line)
    {
        _output.WriteLine(line);
        _output.Flush();
    }

    private string Line(StepRecord step, int steps) => string.Create(
        CultureInfo.InvariantCulture,
        $"step {step.Step}/{steps}  epoch {step.Epoch:0.00}  loss {step.Loss:0.0000}  lr {step.LearningRate:0.00e+0}  grad_norm {step.GradientNorm:0.00}  {_throughput.RowsPerSecond:N0} pairs/s  {_throughput.TokensPerSecond:N0} tokens/s  {Durations.Text(_throughput.TimeFor(steps - step.Step))} left");
}
