using System.Globalization;
using MnrEngine.Data.Reading;

namespace MnrEngine.Data.Preparation;

/// <summary>The files of one STS data set: pairs of sentences with a similarity, whose scale is told by the highest score.</summary>
internal sealed class StsSource
{
    private const double HighestScore = 5;
    private const string SplitColumn = "split";
    private const int Sentences = 2;

    // Contradiction: an STS file of whole scores that end with it is hardly one.
    private const double HighestClass = 2;

    private readonly PreparationOptions _options;
    private readonly (InputFile File, SourceReport Report)[] _files;

    /// <summary>Looks into the files; their rows are read later.</summary>
    /// <exception cref="InputException">A file can't be read, or lacks sentences or scores.</exception>
    public StsSource(IReadOnlyList<InputFile> files, PreparationOptions options)
    {
        _options = options;
        _files = [.. files.Select(static file => (file, new SourceReport(file.Name)))];
        foreach (InputFile file in files)
        {
            Open(file).Table.Dispose();
        }
    }

    /// <summary>What became of the rows, for each file.</summary>
    public IEnumerable<SourceReport> Reports => _files.Select(static file => file.Report);

    /// <summary>
    /// The rows and the file that they are of, with scores from 0 to 1. Without a scale the files are read twice: before the first row is given, for
    /// their highest score. Then labels that can only be NLI's classes are refused too: with a scale, numbers are said to be scores.
    /// </summary>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="InputException">A row is malformed, or its score is no number of the scale.</exception>
    public IEnumerable<(SourceReport File, RowBatch Batch)> Rows(CancellationToken stop)
    {
        double scale = _options.ScoreScale ?? (_files.Max(file => Highest(file.File, stop)) > 1 ? HighestScore : 1);
        foreach ((InputFile file, SourceReport report) in _files)
        {
            report.ScoreScale = scale;
            RowBatch batch = RowBatch.Take(Sentences);
            foreach ((TableReader table, double score) in Scored(file, report))
            {
                if (batch.IsFull)
                {
                    yield return (report, batch);
                    batch = RowBatch.Take(Sentences);
                }

                batch.AddText(table.Field(0));
                batch.AddText(table.Field(1));
                batch.EndRow(NliLabel.None, score / scale);
            }

            yield return (report, batch);
        }
    }

    private int ScoreColumn(TableReader table) => StsDataset.ChooseColumns(table, new DatasetSource(table.Path) { Columns = _options.Columns })[2];

    private double Highest(InputFile file, CancellationToken stop)
    {
        double highest = 0;
        bool areWhole = true;
        string? column = null;
        foreach ((TableReader table, double score) in Scored(file, new SourceReport(file.Name)))
        {
            stop.ThrowIfCancellationRequested();
            column ??= table.Names?[ScoreColumn(table)] ?? "";
            highest = Math.Max(highest, score);
            areWhole &= double.IsInteger(score);
        }

        return areWhole && highest == HighestClass && ColumnGuess.IsLabelName(column!)
            ? throw new InputException(
                $"the column {column} of {file.Name} has no numbers but 0, 1 and 2, which are NLI's classes and no scores: pairs, triplets and labelled rows are made of those; where they are scores, --score-scale names the highest")
            : highest;
    }

    /// <summary>The scores of a file, and the table at the row that each is of.</summary>
    private IEnumerable<(TableReader Table, double Score)> Scored(InputFile file, SourceReport report)
    {
        (TableReader table, bool hasSplit) = Open(file);
        using (table)
        {
            while (table.Read())
            {
                report.Read++;
                if (table.IsBlankLine || (table.Field(0).IsWhiteSpace() && table.Field(1).IsWhiteSpace()))
                {
                    report.Blank++;
                }
                else if (hasSplit && DataFiles.Canonical(table.Field(3).Trim().ToString()) != DataFiles.Canonical(file.Split))
                {
                    report.OtherSplit++;
                }
                else if (Score(table) is double score)
                {
                    report.KeptHalfBlank += table.Field(0).IsWhiteSpace() || table.Field(1).IsWhiteSpace() ? 1 : 0;
                    yield return (table, score);
                }
                else
                {
                    report.Unlabelled++;
                }
            }
        }
    }

    private (TableReader Table, bool HasSplit) Open(InputFile file)
    {
        DatasetSource source = StsBenchmark.Recognize(new DatasetSource(file.Name) { Format = _options.Format, Columns = _options.Columns }, file.Open);
        TableReader table = file.OpenTable(source, StsDataset.HeaderTest(source));
        try
        {
            List<int> columns = [.. StsDataset.ChooseColumns(table, source)];
            int split = table.Names is null ? -1 : ColumnGuess.Find(table.Names, SplitColumn);
            table.Bind(split < 0 ? columns : [.. columns, split], texts: Sentences);
            return (table, split >= 0);
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    /// <summary>The score; null where there is none, which GLUE's test set writes as -1.</summary>
    private double? Score(TableReader table)
    {
        ReadOnlySpan<char> field = table.Field(2).Trim();
        double highest = _options.ScoreScale ?? HighestScore;
        if (field.IsEmpty)
        {
            return null;
        }

        if (char.IsLetter(field[0]) && NliLabels.TryParse(field, out _))
        {
            throw table.ErrorAt(table.Line, $"the score is '{field}', which is one of NLI's classes, but has to be a number: pairs, triplets and labelled rows are made of classes");
        }

        return !double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double score) || !(score == -1 || (score >= 0 && score <= highest))
            ? throw table.ErrorAt(table.Line, string.Create(CultureInfo.InvariantCulture, $"the score is '{field}', but has to be a number from 0 to {highest}"))
            : score == -1 ? null : score;
    }
}
