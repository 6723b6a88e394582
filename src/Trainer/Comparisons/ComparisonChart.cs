using System.Globalization;
using MnrEngine.Serialization;
using MnrEngine.Trainer.Reporting;
using ScottPlot;

namespace MnrEngine.Trainer.Comparisons;

/// <summary>A comparison as bars: for each model its cosine Spearman correlation, and paler below it the largest of the four similarities'.</summary>
internal static class ComparisonChart
{
    private const int Width = 1000;
    private const int HeightOfAModel = 90;
    private const int HeightOfTheRest = 160;
    private const double BarHeight = 0.36;
    private const float LabelSize = 15;

    // Bars begin at 0, so that their lengths can be compared; room to the right is for the figures.
    private const double Room = 1.12;

    private static readonly Color BestColor = Colors.C1;
    private static readonly Color OtherColor = Colors.C0;

    /// <summary>Draws the chart.</summary>
    /// <param name="comparison">What to show.</param>
    /// <param name="path">The PNG file, replaced if it exists.</param>
    /// <exception cref="InputException">The file can't be written.</exception>
    public static void Save(Comparison comparison, string path)
    {
        ChartFont.Install();
        using Plot plot = new();
        plot.Title(string.Create(CultureInfo.InvariantCulture, $"{comparison.DataSet}: Spearman correlation with people's scores, {comparison.Pairs:N0} pairs"));
        int count = comparison.Models.Count;
        Bar[] bars = [.. comparison.Models.SelectMany((model, place) => Bars(model, count - 1 - place, isBest: place == 0 && model.SpearmanCosine is not null))];
        ScottPlot.Plottables.BarPlot all = plot.Add.Bars(bars);
        all.Horizontal = true;
        all.ValueLabelStyle.FontSize = LabelSize;
        plot.Axes.Left.SetTicks([.. Enumerable.Range(0, count).Select(static place => (double)place)], [.. comparison.Models.Reverse().Select(static model => model.Label)]);
        plot.Axes.Left.TickLabelStyle.FontSize = LabelSize;
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.XLabel("upper bar: cosine similarity; lower bar: the largest of cosine, dot product, Euclidean and Manhattan");
        double[] lengths = [.. bars.Select(static bar => bar.Value)];
        plot.Axes.SetLimits(Math.Min(0, Room * lengths.Min()), Room * Math.Max(0.1, lengths.Max()), -0.6, count - 0.4);
        plot.HideGrid();
        Image image = plot.GetImage(Width, HeightOfTheRest + (count * HeightOfAModel));
        AtomicFile.Write(path, stream => stream.Write(image.GetImageBytes(ImageFormat.Png)));
    }

    private static IEnumerable<Bar> Bars(ModelScores model, int place, bool isBest)
    {
        Color color = isBest ? BestColor : OtherColor;
        yield return OneBar(model.SpearmanCosine, place + (BarHeight / 2), color);
        yield return OneBar(model.SpearmanMax, place - (BarHeight / 2), color.WithAlpha(0.4));
    }

    private static Bar OneBar(double? figure, double position, Color color) => new()
    {
        Position = position,
        Value = figure ?? 0,
        ValueLabel = figure?.ToString("0.0000", CultureInfo.InvariantCulture) ?? ComparisonText.None,
        Orientation = Orientation.Horizontal,
        Size = BarHeight,
        FillColor = color,
        LineWidth = 0,
    };
}
