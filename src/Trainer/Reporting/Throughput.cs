using MnrEngine.Training;

namespace MnrEngine.Trainer.Reporting;

/// <summary>How fast a run goes, from the last few seconds of it, and so how long it will still take.</summary>
internal sealed class Throughput
{
    // Older steps fade over about this many seconds: long enough to be steady, short enough to follow a change.
    private const double FadeSeconds = 10;

    private double _steps;
    private double _rows;
    private double _tokens;
    private double _seconds;

    /// <summary>Rows (pairs or triplets) a second.</summary>
    public double RowsPerSecond => _seconds > 0 ? _rows / _seconds : 0;

    /// <summary>Tokens a second.</summary>
    public double TokensPerSecond => _seconds > 0 ? _tokens / _seconds : 0;

    /// <summary>Counts a step.</summary>
    public void Add(StepRecord step)
    {
        double keep = Math.Exp(-step.Seconds / FadeSeconds);
        _steps = (_steps * keep) + 1;
        _rows = (_rows * keep) + step.Rows;
        _tokens = (_tokens * keep) + step.Tokens;
        _seconds = (_seconds * keep) + step.Seconds;
    }

    /// <summary>The time that further steps will take at this speed.</summary>
    public TimeSpan TimeFor(int steps) => TimeSpan.FromSeconds(_steps > 0 ? steps * _seconds / _steps : 0);
}
