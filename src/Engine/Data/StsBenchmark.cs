using System.Globalization;
using System.Text;

namespace MnrEngine.Data;

/// <summary>
/// The STS benchmark as its publishers ship it: sts-train.csv, sts-dev.csv and sts-test.csv, which in spite of their names are divided by tabs, quote
/// nothing and have no header: genre, file, year, number, score, sentence 1, sentence 2, in some rows followed by sources and licences.
/// </summary>
internal static class StsBenchmark
{
    private const int Score = 4;
    private const int FewestColumns = 7;
    private const int LongestLine = 1 << 16;

    private static readonly string[] Columns = ["5", "6", "4"];

    /// <summary>The source as it has to be read, if it says nothing about that and its first line is one of that form; else the source itself.</summary>
    public static DatasetSource Recognize(DatasetSource source, Func<Stream> open)
    {
        if (source is not { Columns: null, Format: null, Delimiter: null, HasHeader: null } || DataFiles.KnownFormat(source.Path) is not (DataFormat.Csv or DataFormat.Tsv))
        {
            return source;
        }

        string[] fields = FirstLine(open).Split('\t');
        return fields.Length >= FewestColumns && double.TryParse(fields[Score], NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            ? source with { Format = DataFormat.Tsv, HasHeader = false, Columns = Columns }
            : source;
    }

    private static string FirstLine(Func<Stream> open)
    {
        byte[] start = new byte[LongestLine];
        using Stream stream = open();
        int length = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        int end = start.AsSpan(0, length).IndexOf((byte)'\n');
        return Encoding.UTF8.GetString(start.AsSpan(0, end < 0 ? length : end));
    }
}
