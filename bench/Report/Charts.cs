using System.Text.Json.Nodes;
using MnrEngine.Trainer.Reporting;
using ScottPlot;

namespace MnrEngine.Bench.Report;

/// <summary>The figures as pictures, each drawn when what it shows was measured.</summary>
internal static class Charts
{
    private const int Width = 800;
    private const int Height = 450;

    /// <summary>Draws batch-sizes.png, shares.png and peer.png.</summary>
    public static void Draw(Results results, string folder)
    {
        ChartFont.Install();
        Bars(
            Path.Combine(folder, "batch-sizes.png"), "tokens a second by batch size, MiniLM",
            [.. Tables.Batches(results).Select(static turns => ($"{turns[0].BatchSize}", Results.Median(turns).TokensPerSecond))], "N0");
        Bars(
            Path.Combine(folder, "shares.png"), "training steps: share of the multiply-add peak in percent",
            [.. Tables.Headlines.Select(found => (found.Model, Steps: results.StepsOf(found.File))).Where(static found => found.Steps is not null)
                .Select(static found => ($"{found.Model}, {found.Steps!.BatchSize}", 100 * found.Steps.ShareOfPeak))], "N0");
        if (results.Json("turn-3-torch.json") is JsonNode peer && results.StepsOf("turn-3-ours.json") is Steps ours)
        {
            List<(string, double)> bars = [("ours", 1e3 * ours.Seconds), ("libtorch, padded to the longest", 1e3 * Results.Number(peer, "step_seconds_median"))];
            if (results.Json("torch-padded-to-128.json") is JsonNode padded)
            {
                bars.Add(("libtorch, padded to 128", 1e3 * Results.Number(padded, "step_seconds_median")));
            }

            Bars(Path.Combine(folder, "peer.png"), "milliseconds of a training step, MiniLM, batch 32", bars, "N0");
        }
    }

    private static void Bars(string path, string title, IReadOnlyList<(string Label, double Value)> bars, string format)
    {
        if (bars.Count == 0)
        {
            return;
        }

        using Plot plot = new();
        plot.Title(title);
        plot.Add.Bars(bars.Select((bar, place) => new Bar { Position = place, Value = bar.Value, ValueLabel = bar.Value.ToString(format, System.Globalization.CultureInfo.InvariantCulture), FillColor = Colors.C0, LineWidth = 0 }).ToArray());
        plot.Axes.Bottom.SetTicks([.. Enumerable.Range(0, bars.Count).Select(static place => (double)place)], [.. bars.Select(static bar => bar.Label)]);
        plot.Axes.SetLimits(-0.6, bars.Count - 0.4, 0, 1.15 * bars.Max(static bar => bar.Value));
        plot.HideGrid();
        plot.SavePng(path, Width, Height);
    }
}
