using MnrEngine.Data.Reading;

namespace MnrEngine.Data.Preparation;

/// <summary>One file of rows to make pairs, triplets or labelled rows of: which of them it can give, and its rows.</summary>
internal sealed class NliSource
{
    // AllNLI.tsv.gz, which sentence-transformers' scripts read, has train, dev and test in one file.
    private const string SplitColumn = "split";

    private readonly InputFile _file;
    private readonly PreparationOptions _options;
    private readonly int _columns;

    /// <summary>Looks into the file; its rows are read later.</summary>
    /// <exception cref="InputException">The file can't be read, lacks a column, or can't give the rows that are asked for.</exception>
    public NliSource(InputFile file, PreparationOptions options)
    {
        _file = file;
        _options = options;
        Report = new SourceReport(file.Name);
        (TableReader table, TextColumns columns) = Open();
        table.Dispose();
        IsLabelled = columns.Label >= 0 && columns.Names.Count == 2;
        _columns = columns.Names.Count;
        CheckUse(columns);
    }

    /// <summary>What became of its rows; complete when all were read.</summary>
    public SourceReport Report { get; }

    /// <summary>Whether its rows are a premise, a hypothesis and a label.</summary>
    public bool IsLabelled { get; }

    /// <summary>The rows that are kept; for triplets of labelled rows the neutral ones too, for the order in which texts occur counts there.</summary>
    /// <exception cref="InputException">A row is malformed, or its label is none of the three.</exception>
    public IEnumerable<RowBatch> Rows()
    {
        (TableReader table, TextColumns columns) = Open();
        using (table)
        {
            int texts = TextsWritten;
            RowBatch batch = RowBatch.Take(texts);
            while (table.Read())
            {
                Report.Read++;
                if (!IsKept(table, columns, out NliLabel label))
                {
                    continue;
                }

                for (int i = 0; i < texts; i++)
                {
                    batch.AddText(table.Field(i));
                }

                batch.EndRow(label);
                if (batch.IsFull)
                {
                    yield return batch;
                    batch = RowBatch.Take(texts);
                }
            }

            if (batch.Count > 0)
            {
                yield return batch;
            }
        }
    }

    // Triplets give pairs too, by leaving out the negative.
    private int TextsWritten => _options.Rows == PreparedRows.Pairs ? 2 : _columns;

    private (TableReader Table, TextColumns Columns) Open()
    {
        DatasetSource source = new(_file.Name) { Format = _options.Format, Columns = _options.Columns, LabelColumn = _options.LabelColumn };
        TableReader table = _file.OpenTable(source, TextColumns.HeaderTest(source));
        try
        {
            return (table, TextColumns.Choose(table, source, SplitColumn));
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    private void CheckUse(TextColumns columns)
    {
        string has = $"{_file.Name} has the text columns {ColumnList.Of(columns.Names)}{(columns.Label < 0 ? " and no label" : "")}";
        switch (_options.Rows)
        {
            case PreparedRows.Labelled when !IsLabelled:
                throw new InputException($"{has}, but labelled rows need a premise, a hypothesis and a label");
            case PreparedRows.Triplets when !IsLabelled && _columns == 2:
                throw new InputException($"{has}, but triplets need a negative, or a label to find one by");
            case PreparedRows.Triplets when !IsLabelled && _columns > 3:
                throw new InputException($"{has}, but triplets have three: name them with --columns");
        }
    }

    private bool IsKept(TableReader table, TextColumns columns, out NliLabel label)
    {
        label = NliLabel.None;
        if (table.IsBlankLine || AllBlank(table))
        {
            Report.Blank++;
            return false;
        }

        if (columns.Extra >= 0 && DataFiles.Canonical(table.Field(columns.Extra).Trim().ToString()) != DataFiles.Canonical(_file.Split))
        {
            Report.OtherSplit++;
            return false;
        }

        if (!IsLabelled)
        {
            return IsWhole(table);
        }

        ReadOnlySpan<char> text = table.Field(columns.Label);
        if (!NliLabels.TryParse(text, out label))
        {
            throw table.ErrorAt(table.Line, $"the label is '{text}', but has to be entailment (0), neutral (1) or contradiction (2), or - or -1 where there is none");
        }

        switch (label)
        {
            case NliLabel.None:
                Report.Unlabelled++;
                return false;
            case NliLabel.Neutral when _options.Rows == PreparedRows.Triplets:
                Report.OtherLabel++;
                return !AnyBlank(table);
            case not NliLabel.Entailment when _options.Rows == PreparedRows.Pairs:
                Report.OtherLabel++;
                return false;
            default:
                return IsWhole(table);
        }
    }

    /// <summary>Of a row without a text no pair or triplet can be made; a labelled one is kept as it was published.</summary>
    private bool IsWhole(TableReader table)
    {
        if (!AnyBlank(table))
        {
            return true;
        }

        if (_options.Rows == PreparedRows.Labelled)
        {
            Report.KeptHalfBlank++;
            return true;
        }

        Report.HalfBlank++;
        return false;
    }

    private bool AnyBlank(TableReader table)
    {
        for (int i = 0; i < TextsWritten; i++)
        {
            if (table.Field(i).IsWhiteSpace())
            {
                return true;
            }
        }

        return false;
    }

    private bool AllBlank(TableReader table)
    {
        for (int i = 0; i < _columns; i++)
        {
            if (!table.Field(i).IsWhiteSpace())
            {
                return false;
            }
        }

        return true;
    }
}
