using System.Collections.Concurrent;
using System.Text;

namespace MnrEngine.Data.Preparation;

/// <summary>Some rows on their way from the reading to the writing thread: their texts one behind the other, their labels and scores.</summary>
/// <param name="columns">Texts a row.</param>
internal sealed class RowBatch(int columns)
{
    /// <summary>Rows of a full batch.</summary>
    public const int Capacity = 2_048;

    // A batch that went through is used again: as garbage, half a megabyte for each would pile up to hundreds.
    private static readonly ConcurrentBag<RowBatch> Used = [];

    private readonly int[] _ends = new int[(Capacity * columns) + 1];
    private readonly NliLabel[] _labels = new NliLabel[Capacity];
    private readonly double[] _scores = new double[Capacity];
    private char[] _text = new char[Capacity * columns * 64];
    private int _texts;

    /// <summary>Texts a row.</summary>
    public int Columns => columns;

    /// <summary>Rows there are.</summary>
    public int Count { get; private set; }

    /// <summary>Whether no further row fits.</summary>
    public bool IsFull => Count == Capacity;

    /// <summary>An empty batch.</summary>
    public static RowBatch Take(int columns) => Used.TryTake(out RowBatch? batch) && batch.Columns == columns ? batch : new RowBatch(columns);

    /// <summary>Gives the batch back; whoever calls this doesn't look at it again.</summary>
    public void Return()
    {
        Count = 0;
        _texts = 0;
        Used.Add(this);
    }

    /// <summary>Adds the next text of the next row.</summary>
    public void AddText(ReadOnlySpan<char> text) => text.CopyTo(Next(text.Length));

    /// <summary>Adds the next text of the next row, which is valid UTF-8.</summary>
    public void AddText(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetChars(utf8, Next(Encoding.UTF8.GetCharCount(utf8)));

    /// <summary>Ends a row all of whose texts were added.</summary>
    public void EndRow(NliLabel label, double score = 0)
    {
        _labels[Count] = label;
        _scores[Count] = score;
        Count++;
    }

    /// <summary>A text of a row.</summary>
    public ReadOnlySpan<char> Text(int row, int column)
    {
        int index = (row * columns) + column;
        return _text.AsSpan(_ends[index].._ends[index + 1]);
    }

    private Span<char> Next(int length)
    {
        int start = _ends[_texts];
        int end = start + length;
        if (end > _text.Length)
        {
            Array.Resize(ref _text, Math.Max(end, _text.Length * 2));
        }

        _ends[++_texts] = end;
        return _text.AsSpan(start, length);
    }

    /// <summary>The label of a row; <see cref="NliLabel.None"/> where the file has none.</summary>
    public NliLabel Label(int row) => _labels[row];

    /// <summary>The score of a row.</summary>
    public double Score(int row) => _scores[row];
}
