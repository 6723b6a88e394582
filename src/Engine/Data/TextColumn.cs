using MnrEngine.Data.Reading;

namespace MnrEngine.Data;

/// <summary>One column of a data file, row for row: unlike in a <see cref="TextDataset"/> nothing is dropped, so that a result can be laid beside the file.</summary>
public static class TextColumn
{
    /// <summary>Reads the column.</summary>
    /// <param name="source">The file; its columns are one name or position. Labels are not used.</param>
    /// <returns>A text for each row; an empty one for a blank line.</returns>
    /// <exception cref="InputException">The file can't be read or is malformed, or has no such column.</exception>
    public static IReadOnlyList<string> Read(DatasetSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Columns is not [string column])
        {
            throw new ArgumentException("one column has to be named", nameof(source));
        }

        using TableReader table = TableReader.Open(source, fields => ColumnChoice.UsesNames([column]) || ColumnGuess.IsHeader(fields));
        table.Bind([ColumnChoice.Find(table, column)], texts: 1);
        List<string> texts = [];
        while (table.Read())
        {
            texts.Add(table.IsBlankLine ? "" : table.Field(0).ToString());
        }

        return texts;
    }
}
