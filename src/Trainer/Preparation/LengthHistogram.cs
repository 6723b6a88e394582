using MnrEngine.Serialization;
using MnrEngine.Text;
using MnrEngine.Trainer.Reporting;
using ScottPlot;

namespace MnrEngine.Trainer.Preparation;

/// <summary>How long the texts of a sample are in tokens, [CLS] and [SEP] included: the figures, and a picture with a line for each column.</summary>
internal sealed class LengthHistogram
{
    private const int Width = 1200;
    private const int Height = 700;

    // Tokens beyond this share of the texts are few and would press the rest together.
    private const double ShownShare = 0.999;

    private readonly IReadOnlyList<string> _names;
    private readonly int[][] _lengths;
    private readonly int[] _sorted;

    /// <summary>Counts the tokens.</summary>
    /// <param name="names">The name of each column of texts.</param>
    /// <param name="columns">The texts of each column, at least one.</param>
    /// <param name="tokenizer">What makes tokens of them.</param>
    public LengthHistogram(IReadOnlyList<string> names, IReadOnlyList<IReadOnlyList<string>> columns, WordPieceTokenizer tokenizer)
    {
        _names = names;
        _lengths = [.. columns.Select(column => Lengths(column, tokenizer))];
        _sorted = [.. _lengths.SelectMany(static lengths => lengths).Order()];
    }

    /// <summary>The longest text.</summary>
    public int Longest => _sorted[^1];

    /// <summary>The smallest length that at least this share of the texts doesn't exceed.</summary>
    public int Quantile(double share) => _sorted[Math.Clamp((int)Math.Ceiling(share * _sorted.Length) - 1, 0, _sorted.Length - 1)];

    /// <summary>Draws the picture.</summary>
    /// <param name="title">The line above it.</param>
    /// <param name="path">The PNG file, replaced if it exists.</param>
    /// <exception cref="InputException">It can't be written.</exception>
    public void Save(string title, string path)
    {
        ChartFont.Install();
        using Plot plot = new();
        plot.Title(title);
        plot.XLabel("tokens");
        plot.YLabel("texts in the sample");
        int shown = Math.Max(Quantile(ShownShare), 2);
        int width = Math.Max(1, shown / 100);
        double highest = 1;
        for (int column = 0; column < _lengths.Length; column++)
        {
            (double[] tokens, double[] texts) = Steps(_lengths[column], shown, width);
            ScottPlot.Plottables.Scatter line = plot.Add.ScatterLine(tokens, texts, Colors.Category10[column % Colors.Category10.Length]);
            highest = Math.Max(highest, texts.Max());
            line.LineWidth = 2;
            line.FillY = true;
            line.FillYColor = line.Color.WithAlpha(0.15);
            line.LegendText = _names[column];
        }

        plot.Axes.SetLimitsX(0, shown + 1);
        plot.Axes.SetLimitsY(0, 1.05 * highest);
        plot.ShowLegend(Alignment.UpperRight);
        byte[] png = plot.GetImageBytes(Width, Height, ImageFormat.Png);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    private static int[] Lengths(IReadOnlyList<string> texts, WordPieceTokenizer tokenizer)
    {
        List<int> tokens = [];
        int[] lengths = new int[texts.Count];
        for (int i = 0; i < lengths.Length; i++)
        {
            tokens.Clear();
            tokenizer.Encode(texts[i], tokens);
            lengths[i] = tokens.Count;
        }

        return lengths;
    }

    /// <summary>The outline of bars, each <paramref name="width"/> lengths wide.</summary>
    private static (double[] Tokens, double[] Texts) Steps(int[] lengths, int shown, int width)
    {
        int[] counts = new int[(shown / width) + 1];
        foreach (int length in lengths)
        {
            if (length / width < counts.Length)
            {
                counts[length / width]++;
            }
        }

        double[] tokens = [.. Enumerable.Range(0, counts.Length).SelectMany(bar => (double[])[(bar * width) - 0.5, ((bar + 1) * width) - 0.5])];
        double[] texts = [.. counts.SelectMany(static count => (double[])[count, count])];
        return (tokens, texts);
    }
}
