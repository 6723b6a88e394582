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

    /// <summary>Builds the tree over the rows of a data set.</summary>
    public ConflictTree(TextNumbers texts)
    {
        int[] rowsWith = CountRows(texts);
        NodeOfRow = new int[texts.Rows];
        Dictionary<long, int> children = new(EdgeHash.Instance);
        int[] path = new int[texts.Columns];
        Comparison<int> mostSharedFirst = (a, b) => rowsWith[a] != rowsWith[b] ? rowsWith[b].CompareTo(rowsWith[a]) : a.CompareTo(b);
        for (int row = 0; row < texts.Rows; row++)
        {
            int length = SharedTexts(texts.Row(row), rowsWith, path);
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
        TextCount = texts.Distinct;
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

    private static int[] CountRows(TextNumbers texts)
    {
        int[] rowsWith = new int[texts.Distinct];
        for (int i = 0; i < texts.Rows; i++)
        {
            ReadOnlySpan<int> row = texts.Row(i);
            for (int column = 0; column < row.Length; column++)
            {
                if (!row[..column].Contains(row[column]))
                {
                    rowsWith[row[column]]++;
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

    /// <summary>
    /// Nodes and texts are both numbered as they come up, so that one follows the other, and .NET's hash of a long, its upper half XOR its lower one, is
    /// the same for most of them: with a million pairs of texts in three or four rows each, the tree took 70 seconds instead of one.
    /// </summary>
    private sealed class EdgeHash : IEqualityComparer<long>
    {
        private const ulong GoldenRatio = 0x9E3779B97F4A7C15;

        public static EdgeHash Instance { get; } = new();

        public bool Equals(long x, long y) => x == y;

        public int GetHashCode(long edge) => (int)(((ulong)edge * GoldenRatio) >> 32);
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
