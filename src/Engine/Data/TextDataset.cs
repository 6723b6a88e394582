using System.Collections;
using MnrEngine.Data.Reading;

namespace MnrEngine.Data;

/// <summary>
/// The texts of a training set, column by column: two columns are pairs (anchor, positive), further ones are hard negatives. All is in memory: each
/// different text once, as UTF-8, and rows as the numbers of their texts.
/// </summary>
public sealed class TextDataset
{
    private static readonly HashSet<string> NliClasses = ["0", "1", "2"];

    /// <summary>A data set of texts already in memory.</summary>
    /// <param name="columnNames">The name of each column.</param>
    /// <param name="columns">The texts of each column, all equally long.</param>
    /// <param name="labels">The label of each row, if there are any.</param>
    /// <exception cref="ArgumentException">The columns and names differ in number, or the columns in length.</exception>
    public TextDataset(IReadOnlyList<string> columnNames, IReadOnlyList<IReadOnlyList<string>> columns, IReadOnlyList<string>? labels = null)
    {
        if (columns.Count == 0 || columns.Count != columnNames.Count)
        {
            throw new ArgumentException($"{columnNames.Count} names for {columns.Count} columns", nameof(columns));
        }

        int count = columns[0].Count;
        if (columns.Any(column => column.Count != count) || (labels is not null && labels.Count != count))
        {
            throw new ArgumentException("the columns differ in length", nameof(columns));
        }

        Texts = new TextStore();
        int[] numbers = new int[checked(count * columns.Count)];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = Texts.NumberOf(columns[i % columns.Count][i / columns.Count]);
        }

        Texts.Seal();
        ColumnNames = columnNames;
        Numbers = new TextNumbers(numbers, columns.Count);
        Labels = labels;
        Files = [];
    }

    private TextDataset(IReadOnlyList<string> columnNames, TextStore texts, TextNumbers numbers, IReadOnlyList<string>? labels, IReadOnlyList<FileReport> files)
    {
        ColumnNames = columnNames;
        Texts = texts;
        Numbers = numbers;
        Labels = labels;
        Files = files;
    }

    /// <summary>The name of each text column, such as anchor, positive, negative.</summary>
    public IReadOnlyList<string> ColumnNames { get; }

    /// <summary>The texts: a column for each name, each of <see cref="Count"/> texts, which are made anew whenever they are asked for.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Columns => [.. Enumerable.Range(0, ColumnNames.Count).Select(column => new Column(this, column))];

    /// <summary>The label of each row as the file has it, or null when some file has no label column.</summary>
    public IReadOnlyList<string>? Labels { get; }

    /// <summary>The name of the column that the labels are of, or null when it has none.</summary>
    public string? LabelName { get; private init; }

    /// <summary>Whether the labels look like NLI's classes: whole numbers up to 2, in a column that is called label and not score.</summary>
    public bool HasNliClasses =>
        LabelName is not null && ColumnGuess.IsLabelName(LabelName) && Labels is not null && NliClasses.SetEquals(Labels.Distinct().Select(static label => label.Trim()).Append("0").Append("1"));

    /// <summary>The number of rows.</summary>
    public int Count => Numbers.Rows;

    /// <summary>What became of the rows of each file, in the order of the sources.</summary>
    public IReadOnlyList<FileReport> Files { get; }

    /// <summary>The different texts.</summary>
    internal TextStore Texts { get; }

    /// <summary>Which of <see cref="Texts"/> the rows have.</summary>
    internal TextNumbers Numbers { get; }

    /// <summary>Reads files, one after the other, into one data set. Rows keep the order of the files.</summary>
    /// <exception cref="InputException">
    /// A file is missing, unreadable, empty or malformed (the message names the line), lacks a column or has another number of text columns
    /// than the first, or no row is left.
    /// </exception>
    public static TextDataset Load(IReadOnlyList<DatasetSource> sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        if (sources.Count == 0)
        {
            throw new InputException("the data set names no files, but needs at least one");
        }

        TextPool pool = new();
        TextRows? rows = null;
        List<FileReport> files = [];
        foreach (DatasetSource source in sources)
        {
            using TableReader table = TableReader.Open(source, TextColumns.HeaderTest(source));
            TextColumns columns = TextColumns.Choose(table, source);
            rows ??= new TextRows(source.Path, columns.Names, pool);
            files.Add(rows.Append(table, columns, source));
        }

        if (rows!.Count == 0)
        {
            throw new InputException($"no row of the data set is left ({string.Join("; ", files)}), but at least one is needed");
        }

        rows.Texts.Seal();
        return new TextDataset(rows.ColumnNames, rows.Texts, rows.Numbers(), rows.Labels(), files) { LabelName = rows.LabelName };
    }

    /// <summary>The first rows of the data set.</summary>
    /// <param name="rows">How many, at most <see cref="Count"/>.</param>
    public TextDataset Take(int rows) => new(ColumnNames, Texts, Numbers.Take(rows), Labels?.Take(rows).ToArray(), Files) { LabelName = LabelName };

    /// <summary>The texts of one row.</summary>
    public IReadOnlyList<string> Row(int row) => [.. Numbers.Row(row).ToArray().Select(Texts.Text)];

    /// <summary>Reads one file.</summary>
    /// <exception cref="InputException">As for <see cref="Load(IReadOnlyList{DatasetSource})"/>.</exception>
    public static TextDataset Load(DatasetSource source) => Load([source]);

    private sealed class Column(TextDataset data, int column) : IReadOnlyList<string>
    {
        public int Count => data.Count;

        public string this[int row] => data.Texts.Text(data.Numbers.Row(row)[column]);

        public IEnumerator<string> GetEnumerator() => Enumerable.Range(0, Count).Select(row => this[row]).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
