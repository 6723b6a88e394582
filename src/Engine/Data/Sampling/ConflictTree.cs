namespace MnrEngine.Data.Sampling;

/// <summary>
/// The rows of a data set arranged by the texts they share with other rows, so that a batch without duplicates can pass over all rows
/// with an already used text at once instead of one at a time. Texts that occur in one row only can't conflict and are left out. The
/// others make up a row's path from the root, the text of the most rows first; a row hangs at the end of its path, and every row below
/// a node contains that node's text.
/// </summary>
/// <remarks>
/// Most-shared first keeps the passing over cheap. With two columns, a text v that is not first in its rows stands below at most
/// sqrt(2 rows) different first texts, each of which occurs at least as often as v does; so a batch meets few blocked nodes even
/// where almost every row conflicts with almost every other.
/// </remarks>
internal sealed class ConflictTree
{
    /// <summary>The node above all: it stands for no text.</summary>
    public const int Root = 0;

    private readonly List<int> _parents = [-1];
    private readonly List<int> _texts = [-1];

    /// <summary>Builds the tree over columns of equally many rows.</summary>
    public ConflictTree(IReadOnlyList<IReadOnlyList<string>> columns)
    {
        int rows = columns[0].Count;
        int[] texts = Number(columns, rows, out int distinct);
        int[] rowsWith = CountRows(texts, columns.Count, distinct);
        NodeOfRow = new int[rows];
        Dictionary<long, int> children = [];
        int[] path = new int[columns.Count];
        Comparison<int> mostSharedFirst = (a, b) => rowsWith[a] != rowsWith[b] ? rowsWith[b].CompareTo(rowsWith[a]) : a.CompareTo(b);
        for (int row = 0; row < rows; row++)
        {
            int length = SharedTexts(texts.AsSpan(row * columns.Count, columns.Count), rowsWith, path);
            path.AsSpan(0, length).Sort(mostSharedFirst);
            int node = Root;
            for (int i = 0; i < length; i++)
            {
                node = Child(children, node, path[i]);
            }

            NodeOfRow[row] = node;
        }

        ParentOf = [.. _parents];
        TextOf = [.. _texts];
        TextCount = distinct;
        FirstChildSlot = SlotsOfChildren(ParentOf);
    }

    /// <summary>The node at which each row hangs.</summary>
    public int[] NodeOfRow { get; }

    /// <summary>The node above each node.</summary>
    public int[] ParentOf { get; }

    /// <summary>The number of each node's text, below <see cref="TextCount"/>.</summary>
    public int[] TextOf { get; }

    /// <summary>How many different texts the rows have.</summary>
    public int TextCount { get; }

    /// <summary>Where in an array of one slot per node each node's children begin: they fit in that many slots as there are children.</summary>
    public int[] FirstChildSlot { get; }

    /// <summary>How many nodes there are, the root included.</summary>
    public int NodeCount => ParentOf.Length;

    /// <summary>Replaces texts by numbers, row after row: equal numbers for equal texts, whatever their columns.</summary>
    private static int[] Number(IReadOnlyList<IReadOnlyList<string>> columns, int rows, out int distinct)
    {
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        int[] texts = new int[checked(rows * columns.Count)];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns.Count; column++)
            {
                string text = columns[column][row];
                if (!numbers.TryGetValue(text, out int number))
                {
                    number = numbers.Count;
                    numbers.Add(text, number);
                }

                texts[(row * columns.Count) + column] = number;
            }
        }

        distinct = numbers.Count;
        return texts;
    }

    private static int[] CountRows(int[] texts, int columns, int distinct)
    {
        int[] rowsWith = new int[distinct];
        for (int start = 0; start < texts.Length; start += columns)
        {
            ReadOnlySpan<int> row = texts.AsSpan(start, columns);
            for (int i = 0; i < columns; i++)
            {
                if (!row[..i].Contains(row[i]))
                {
                    rowsWith[row[i]]++;
                }
            }
        }

        return rowsWith;
    }

    /// <summary>A row's different texts that other rows have too; returns how many.</summary>
    private static int SharedTexts(ReadOnlySpan<int> row, int[] rowsWith, Span<int> shared)
    {
        int length = 0;
        foreach (int text in row)
        {
            if (rowsWith[text] > 1 && !shared[..length].Contains(text))
            {
                shared[length++] = text;
            }
        }

        return length;
    }

    private static int[] SlotsOfChildren(int[] parentOf)
    {
        int[] firstSlot = new int[parentOf.Length];
        int[] children = new int[parentOf.Length];
        foreach (int parent in parentOf.AsSpan(1))
        {
            children[parent]++;
        }

        for (int node = 1; node < parentOf.Length; node++)
        {
            firstSlot[node] = firstSlot[node - 1] + children[node - 1];
        }

        return firstSlot;
    }

    private int Child(Dictionary<long, int> children, int node, int text)
    {
        long key = ((long)node << 32) | (uint)text;
        if (!children.TryGetValue(key, out int child))
        {
            child = _parents.Count;
            children.Add(key, child);
            _parents.Add(node);
            _texts.Add(text);
        }

        return child;
    }
}
