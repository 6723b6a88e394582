using System.Globalization;
using MnrEngine.Data.Preparation;
using Spectre.Console;

namespace MnrEngine.Trainer.Preparation;

/// <summary>What became of the rows, as a table and a few lines below it.</summary>
internal static class PreparationTable
{
    // Spectre.Console takes 80 columns where the output is no terminal, and would break the names of files.
    private const int WidthOfLogs = 200;

    /// <summary>Prints it.</summary>
    public static void Write(PreparationReport report, PreparationOptions options, TextWriter output)
    {
        (string Title, Func<SourceReport, long> Count)[] columns =
        [
            ("read", static source => source.Read),
            .. Dropped(report, options),
            (AreGrouped(report) ? "used" : "kept", static source => source.Kept),
        ];
        Table table = new Table().Border(TableBorder.Simple).AddColumn("source");
        foreach ((string title, _) in columns)
        {
            table.AddColumn(new TableColumn(title).RightAligned().NoWrap());
        }

        foreach (SourceReport source in report.Sources)
        {
            AddRow(table, source.Name, columns.Select(column => column.Count(source)));
        }

        if (report.Sources.Count > 1)
        {
            table.AddEmptyRow();
            AddRow(table, "all", columns.Select(column => report.Sources.Sum(column.Count)));
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Interactive = InteractionSupport.No });
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = WidthOfLogs;
        }

        console.Write(table);
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

    private static void AddRow(Table table, string name, IEnumerable<long> counts) =>
        table.AddRow([new Markup(Markup.Escape(name)), .. counts.Select(static count => new Markup(Invariant($"{count:N0}")))]);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
