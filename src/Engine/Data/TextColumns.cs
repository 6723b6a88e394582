using MnrEngine.Data.Reading;

namespace MnrEngine.Data;

/// <summary>Which columns of a training file are texts, and which is the label. The texts are bound in front of the label.</summary>
internal sealed class TextColumns
{
    private TextColumns(IReadOnlyList<string> names, bool hasLabel, bool hasExtra, string? labelName)
    {
        LabelName = labelName;
        Names = names;
        Label = hasLabel ? names.Count : -1;
        Extra = hasExtra ? names.Count + (hasLabel ? 1 : 0) : -1;
    }

    /// <summary>The names of the text columns.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The index of the label among the bound columns, or -1.</summary>
    public int Label { get; }

    /// <summary>The index of the further column among the bound columns, or -1.</summary>
    public int Extra { get; }

    /// <summary>The name of the label's column; null when there is none, or it has no name.</summary>
    public string? LabelName { get; }

    /// <summary>Whether a first line is a header for this source.</summary>
    public static Func<IReadOnlyList<string>, bool> HeaderTest(DatasetSource source) =>
        fields => ColumnChoice.UsesNames([.. source.Columns ?? [], source.LabelColumn]) || ColumnGuess.IsHeader(fields);

    /// <summary>Chooses the columns of a file, as its source says or by guessing, and binds the table to them.</summary>
    /// <param name="table">The file.</param>
    /// <param name="source">What is known about it.</param>
    /// <param name="extra">A further column that is bound where there is one of this name.</param>
    /// <exception cref="InputException">A column isn't there, or they can't be guessed.</exception>
    public static TextColumns Choose(TableReader table, DatasetSource source, string? extra = null)
    {
        int label = source.LabelColumn is null ? -1 : ColumnChoice.Find(table, source.LabelColumn);
        IReadOnlyList<int> texts;
        if (source.Columns is not null)
        {
            texts = [.. source.Columns.Select(column => ColumnChoice.Find(table, column))];
            if (texts.Count == 0)
            {
                throw new InputException($"no column of {table.Path} is asked for, but at least one is needed");
            }
        }
        else
        {
            texts = table.Names is null ? GuessByPosition(table, ref label) : GuessByName(table, table.Names, label >= 0 ? label : GuessLabel(table.Names, source));
        }

        if (label < 0 && table.Names is not null)
        {
            int guessed = GuessLabel(table.Names, source);
            label = texts.Contains(guessed) ? -1 : guessed;
        }

        if (label < 0 && source.Labels is not null)
        {
            throw new InputException($"{table.Path} is to be filtered by label, but no label column is named and none is called label or gold_label");
        }

        bool hasLabel = label >= 0;
        int further = extra is null || table.Names is null ? -1 : ColumnGuess.Find(table.Names, extra);
        table.Bind([.. texts, .. hasLabel ? (int[])[label] : [], .. further >= 0 ? (int[])[further] : []], texts.Count);
        return new TextColumns(table.Names is null ? ColumnGuess.DefaultNames(texts.Count) : [.. texts.Select(i => table.Names[i])], hasLabel, further >= 0, hasLabel ? table.Names?[label] : null);
    }

    private static int GuessLabel(IReadOnlyList<string> names, DatasetSource source) =>
        source.LabelRule?.AreScores == true ? ColumnGuess.Score(names) : ColumnGuess.Label(names);

    private static IReadOnlyList<int> GuessByName(TableReader table, IReadOnlyList<string> names, int notText)
    {
        if (ColumnGuess.Texts(names) is { } known)
        {
            return known;
        }

        int[] others = [.. Enumerable.Range(0, names.Count).Where(i => i != notText)];
        return others.Length == 2 && !others.Any(i => ColumnGuess.IsOfNoPair(names[i]))
            ? others
            : throw new InputException($"which columns of {table.Path} are the texts can't be guessed from {ColumnList.Of(names)}: name them");
    }

    /// <summary>Without names, every column is a text, in the order anchor, positive, negatives; but a third or later last one that can only be a label is that.</summary>
    private static int[] GuessByPosition(TableReader table, ref int label)
    {
        IReadOnlyList<string> first = table.FirstRow!;
        if (label < 0 && first.Count > 2 && ColumnGuess.IsLabel(first[^1]))
        {
            label = first.Count - 1;
        }

        int notText = label;
        int[] texts = [.. Enumerable.Range(0, first.Count).Where(i => i != notText)];
        return texts.Length >= 2
            ? texts
            : throw table.ErrorAt(table.Line, $"found {texts.Length} text {(texts.Length == 1 ? "column" : "columns")}, but a pair needs 2: is the delimiter right?");
    }
}
