using System.Globalization;
using MnrEngine.Data.Reading;

namespace MnrEngine.Data;

/// <summary>Finds the columns that a user names in a file.</summary>
internal static class ColumnChoice
{
    /// <summary>Whether the first line must be a header for the source's columns to be found: some are given by name.</summary>
    public static bool UsesNames(IEnumerable<string?> columns) => columns.Any(column => column is not null && !IsPosition(column, out _));

    /// <summary>The position of a column given by name, or, where the format has positions, by number.</summary>
    /// <exception cref="InputException">There is no such column; the message lists those there are.</exception>
    public static int Find(TableReader table, string column)
    {
        for (int i = 0; i < table.Names?.Count; i++)
        {
            if (table.Names[i] == column)
            {
                return i;
            }
        }

        if (table.FirstRow is not null && IsPosition(column, out int position))
        {
            return position < table.FirstRow.Count
                ? position
                : throw new InputException($"{table.Path} has no column {position}, counted from 0: its first line has {table.FirstRow.Count}");
        }

        throw new InputException(table.Names is null
            ? $"the column '{column}' can't be found in {table.Path}, which has no header line: give its position, counted from 0"
            : $"{table.Path} has no column '{column}': it has {ColumnList.Of(table.Names)}");
    }

    private static bool IsPosition(string column, out int position) =>
        int.TryParse(column, NumberStyles.None, CultureInfo.InvariantCulture, out position);
}
