using System.Globalization;
using MnrEngine.Data.Preparation;
using MnrEngine.Trainer.Reporting;

namespace MnrEngine.Trainer.Preparation;

/// <summary>What became of the rows, as a table and a few lines below it.</summary>
internal static class PreparationTable
{
    /// <summary>Prints it.</summary>
    public static void Write(PreparationReport report, PreparationOptions options, TextWriter output)
    {
        (string Title, Func<SourceReport, long> Count)[] columns =
        [
            ("read", static source => source.Read),
            .. Dropped(report, options),
            (AreGrouped(report) ? "used" : "kept", static source => source.Kept),
        ];
        FigureTable table = new("source", [.. columns.Select(static column => column.Title)]);
        foreach (SourceReport source in report.Sources)
        {
            table.Add(source.Name, columns.Select(column => Invariant($"{column.Count(source):N0}")));
        }

        if (report.Sources.Count > 1)
        {
            table.AddSpace();
            table.Add("all", columns.Select(column => Invariant($"{report.Sources.Sum(column.Count):N0}")));
        }

        table.Write(output);
        foreach (string line in Lines(report, options))
        {
            output.WriteLine(line);
        }
    }

    /// <summary>The reasons for which rows were dropped, those that occurred.</summary>
    private static IEnumerable<(string Title, Func<SourceReport, long> Count)> Dropped(PreparationReport report, PreparationOptions options)
    {
        (string Title, Func<SourceReport, long> Count)[] reasons =
        [
            (options.Rows == PreparedRows.Sts ? "no score" : "no label", static source => source.Unlabelled),
            (options.Rows == PreparedRows.Pairs ? "no entailment" : "neutral", static source => source.OtherLabel),
            ("blank", static source => source.Blank),
            ("a text empty", static source => source.HalfBlank),
            ("other split", static source => source.OtherSplit),
            ("duplicate", static source => source.DroppedDuplicates),
        ];
        return reasons.Where(reason => report.Sources.Any(source => reason.Count(source) > 0));
    }

    private static IEnumerable<string> Lines(PreparationReport report, PreparationOptions options)
    {
        if (AreGrouped(report))
        {
            yield return Invariant($"{report.Anchors:N0} texts have both an entailment and a contradiction; {report.TextsWithoutTriplet:N0} lack one of them and are no anchors");
        }

        foreach (IGrouping<double?, SourceReport> scale in report.Sources.Where(static source => source.ScoreScale > 1).GroupBy(static source => source.ScoreScale))
        {
            yield return Invariant($"scores were divided by {scale.Key}: {string.Join(", ", scale.Select(static source => source.Name))}");
        }

        long halfBlank = report.Sources.Sum(static source => source.KeptHalfBlank);
        if (halfBlank > 0)
        {
            yield return Invariant($"{halfBlank:N0} of the rows kept have an empty text");
        }

        if (report.Flattened > 0)
        {
            yield return Invariant($"{report.Flattened:N0} texts had tabs or line breaks, which TSV can't hold: they became spaces");
        }

        yield return Invariant($"{report.Duplicates:N0} duplicates{(report.Duplicates == 0 ? "" : options.DropDuplicates ? ", left out" : ", written all the same (--drop-duplicates leaves them out)")}");
    }

    /// <summary>Whether triplets were made of labelled rows, so that the rows written are others than those read.</summary>
    private static bool AreGrouped(PreparationReport report) => report.Anchors + report.TextsWithoutTriplet > 0;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
