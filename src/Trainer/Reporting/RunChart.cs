using MnrEngine.Serialization;
using MnrEngine.Training;
using ScottPlot;

namespace MnrEngine.Trainer.Reporting;

/// <summary>The run as a picture: the loss of every step, its running mean, and the main figures of the evaluations.</summary>
internal static class RunChart
{
    private const int Width = 1200;
    private const int Height = 700;

    // The running mean reaches over about this share of the run.
    private const double SmoothedShare = 1.0 / 60;

    private static readonly Color LossColor = Colors.C0;

    /// <summary>Draws the chart.</summary>
    /// <param name="history">What to show.</param>
    /// <param name="title">The line above it.</param>
    /// <param name="path">The PNG file, replaced if it exists.</param>
    public static void Save(RunHistory history, string title, string path)
    {
        ChartFont.Install();
        using Plot plot = new();
        plot.Title(title);
        plot.XLabel("step");
        plot.YLabel("loss");
        AddLoss(plot, history);
        AddEvaluations(plot, history);
        plot.Legend.Alignment = Alignment.UpperCenter;
        plot.Legend.Orientation = Orientation.Horizontal;
        plot.ShowLegend(Edge.Bottom);
        byte[] png = plot.GetImageBytes(Width, Height, ImageFormat.Png);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    private static void AddLoss(Plot plot, RunHistory history)
    {
        StepRecord[] steps = [.. history.Steps.Select(static s => s.Step).Where(static s => double.IsFinite(s.Loss))];
        if (steps.Length == 0)
        {
            return;
        }

        double[] numbers = [.. steps.Select(static s => (double)s.Step)];
        double[] losses = [.. steps.Select(static s => s.Loss)];
        ScottPlot.Plottables.Scatter each = plot.Add.ScatterLine(numbers, losses, LossColor.WithAlpha(0.3));
        each.LineWidth = 1;
        ScottPlot.Plottables.Scatter mean = plot.Add.ScatterLine(numbers, RunningMean(losses), LossColor);
        mean.LineWidth = 2;
        mean.LegendText = "loss (running mean)";
        plot.Axes.SetLimitsY(0, 1.05 * losses.Max());
    }

    private static void AddEvaluations(Plot plot, RunHistory history)
    {
        int color = 1;
        bool isSpearman = true;
        foreach (IGrouping<string, EvaluationRecord> evaluator in history.Evaluations.Select(static e => e.Evaluation).GroupBy(static e => e.Name))
        {
            EvaluationRecord[] scored = [.. evaluator.Where(static e => double.IsFinite(e.Primary))];
            if (scored.Length == 0)
            {
                continue;
            }

            double[] steps = [.. scored.Select(static e => (double)e.Step)];
            double[] figures = [.. scored.Select(static e => e.Primary)];
            ScottPlot.Plottables.Scatter scores = plot.Add.Scatter(steps, figures, Colors.Category10[color++ % Colors.Category10.Length]);
            scores.Axes.YAxis = plot.Axes.Right;
            scores.LineWidth = 2;
            scores.MarkerSize = 7;
            scores.LegendText = $"{evaluator.Key} {RunHistory.MetricName(scored[^1])} (right)";
            isSpearman &= evaluator.All(static e => e.PrimaryMetric.Contains("spearman", StringComparison.Ordinal));
            plot.Axes.Right.Label.Text = isSpearman ? "Spearman correlation" : "evaluation";
        }
    }

    /// <summary>An exponential running mean that starts without a bias towards 0.</summary>
    private static double[] RunningMean(double[] values)
    {
        double keep = Math.Exp(-1 / Math.Max(1, values.Length * SmoothedShare));
        double sum = 0;
        double weight = 0;
        double[] means = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            sum = (keep * sum) + values[i];
            weight = (keep * weight) + 1;
            means[i] = sum / weight;
        }

        return means;
    }
}
