using ScottPlot;
using SkiaSharp;

namespace MnrEngine.Trainer.Reporting;

/// <summary>
/// The font of the chart, which is part of the program: servers and containers often have none, and Skia then draws no text at all.
/// </summary>
internal sealed class ChartFont : IFontResolver
{
    private const string Name = "MnrEngine DejaVu Sans";
    private const string Resource = "MnrEngine.Trainer.DejaVuSans-subset.ttf";

    private static readonly Lazy<SKData> File = new(Load);

    private ChartFont()
    {
    }

    /// <summary>Makes it the font of all charts.</summary>
    public static void Install()
    {
        if (Fonts.Default != Name)
        {
            Fonts.FontResolvers.Insert(0, new ChartFont());
            Fonts.Default = Name;
        }
    }

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
        fontName == Name ? SKTypeface.FromData(File.Value) : null;

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => CreateTypeface(fontName, FontWeight.Normal, FontSlant.Upright, FontSpacing.Normal);

    private static SKData Load()
    {
        using Stream stream = typeof(ChartFont).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"the program was built without {Resource}");
        return SKData.Create(stream);
    }
}
