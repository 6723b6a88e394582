using System.Runtime.InteropServices;

namespace MnrEngine.Data;

/// <summary>The texts of a data set as numbers, row after row: equal numbers for equal texts, whatever their columns.</summary>
internal sealed class TextNumbers
{
    private readonly int[] _numbers;

    /// <summary>Takes numbers, row after row, given in the order in which texts first come.</summary>
    public TextNumbers(int[] numbers, int columns)
    {
        _numbers = numbers;
        Rows = numbers.Length / columns;
        Columns = columns;
        foreach (int number in numbers)
        {
            Distinct = Math.Max(Distinct, number + 1);
        }
    }

    /// <summary>Numbers texts by exact comparison, or, if <paramref name="key"/> is given, by comparison of their keys.</summary>
    public TextNumbers(IReadOnlyList<IReadOnlyList<string>> columns, Func<string, string>? key = null)
    {
        Rows = columns[0].Count;
        Columns = columns.Count;
        _numbers = new int[checked(Rows * Columns)];
        Dictionary<string, int> known = new(StringComparer.Ordinal);
        for (int row = 0; row < Rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                string text = columns[column][row];
                ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(known, key is null ? text : key(text), out bool exists);
                if (!exists)
                {
                    number = known.Count - 1;
                }

                _numbers[(row * Columns) + column] = number;
            }
        }

        Distinct = known.Count;
    }

    /// <summary>The number of rows.</summary>
    public int Rows { get; }

    /// <summary>The number of columns.</summary>
    public int Columns { get; }

    /// <summary>How many different texts there are; numbers are below it.</summary>
    public int Distinct { get; }

    /// <summary>The numbers of all rows.</summary>
    public ReadOnlySpan<int> All => _numbers;

    /// <summary>The numbers of a row's texts, one a column.</summary>
    public ReadOnlySpan<int> Row(int row) => _numbers.AsSpan(row * Columns, Columns);

    /// <summary>The first rows.</summary>
    public TextNumbers Take(int rows) => new(_numbers[..(rows * Columns)], Columns);

    /// <summary>The same rows with equal numbers for texts of equal keys.</summary>
    public TextNumbers ByKey(TextStore texts, Func<string, string> key)
    {
        TextStore keys = new();
        int[] keyOfText = new int[Distinct];
        for (int text = 0; text < Distinct; text++)
        {
            keyOfText[text] = keys.NumberOf(key(texts.Text(text)));
        }

        return new TextNumbers(Array.ConvertAll(_numbers, text => keyOfText[text]), Columns);
    }
}
