using MnrEngine.Data.Reading;

namespace MnrEngine.Data;

/// <summary>The rows of a data set while its files are being read.</summary>
internal sealed class TextRows(string firstPath, IReadOnlyList<string> columnNames, TextPool pool)
{
    // Anchor, positive, then negatives.
    private const int FirstNegative = 2;

    private readonly SegmentedList<int> _numbers = new();
    private List<string>? _labels = [];

    public IReadOnlyList<string> ColumnNames => columnNames;

    /// <summary>The different texts of the rows read so far.</summary>
    public TextStore Texts { get; } = new();

    public int Count => _numbers.Count / columnNames.Count;

    /// <summary>The name of the label's column in the first file in which it has one.</summary>
    public string? LabelName { get; private set; }

    /// <summary>Reads the rest of a file.</summary>
    public FileReport Append(TableReader table, TextColumns columns, DatasetSource source)
    {
        if (columns.Names.Count != columnNames.Count)
        {
            throw new InputException(
                $"{table.Path} has {columns.Names.Count} text columns ({ColumnList.Of(columns.Names)}), but {firstPath} has {columnNames.Count} " +
                $"({ColumnList.Of(columnNames)}) and the files of a data set need the same number");
        }

        if (columns.Label < 0)
        {
            _labels = null;
        }

        LabelName ??= columns.LabelName;
        LabelFilter labels = new(source.Labels, source.LabelRule, pool);
        int read = 0, kept = 0, blank = 0, unlabelled = 0, other = 0;
        while (table.Read())
        {
            read++;
            if (table.IsBlankLine || AllTextsBlank(table))
            {
                blank++;
                continue;
            }

            string? problem = null;
            LabelVerdict verdict = columns.Label < 0 ? LabelVerdict.Keep : labels.Judge(table.Field(columns.Label), out problem);
            if (problem is not null)
            {
                throw table.ErrorAt(table.Line, problem);
            }
            switch (verdict)
            {
                case LabelVerdict.Unlabelled:
                    unlabelled++;
                    break;
                case LabelVerdict.Other:
                    other++;
                    break;
                default:
                    kept++;
                    Keep(table, columns.Label);
                    break;
            }
        }

        return new FileReport(source.Path, read, kept, blank, unlabelled, other);
    }

    public TextNumbers Numbers() => new(_numbers.ToArray(), columnNames.Count);

    public string[]? Labels() => _labels?.ToArray();

    private bool AllTextsBlank(TableReader table)
    {
        for (int i = 0; i < columnNames.Count; i++)
        {
            if (!table.Field(i).IsWhiteSpace())
            {
                return false;
            }
        }

        return true;
    }

    private void Keep(TableReader table, int label)
    {
        for (int i = 0; i < columnNames.Count; i++)
        {
            if (i >= FirstNegative && table.Field(i).IsWhiteSpace())
            {
                throw table.ErrorAt(table.Line, $"the text in column {columnNames[i]} is empty, but every row needs a negative where any has");
            }

            _numbers.Add(Texts.NumberOf(table.Field(i)));
        }

        _labels?.Add(pool.Intern(table.Field(label)));
    }
}
