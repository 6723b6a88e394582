using MnrEngine.Data.Sampling;

namespace MnrEngine.Data.Preparation;

/// <summary>Some of the rows that pass, each as likely as any other (Vitter's algorithm R).</summary>
/// <param name="columns">Texts a row.</param>
/// <param name="size">How many rows are kept.</param>
/// <param name="seed">Which ones.</param>
internal sealed class RowSample(int columns, int size, long seed)
{
    private readonly List<(long Row, string[] Texts)> _rows = [];
    private readonly PythonRandom _random = new(seed);
    private long _passed;
    private int _place;

    /// <summary>Whether the next row is taken; then <see cref="Take"/> has to follow.</summary>
    public bool WantsNext()
    {
        _passed++;
        if (_rows.Count < size)
        {
            _place = _rows.Count;
            return true;
        }

        int place = _random.Below((int)Math.Min(_passed, int.MaxValue));
        _place = place;
        return place < size;
    }

    /// <summary>Takes the row that was asked about.</summary>
    public void Take(string[] texts)
    {
        if (_place == _rows.Count)
        {
            _rows.Add((_passed, texts));
        }
        else
        {
            _rows[_place] = (_passed, texts);
        }
    }

    /// <summary>The texts by column, in the order in which the rows passed.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Columns()
    {
        (long Row, string[] Texts)[] ordered = [.. _rows.OrderBy(static row => row.Row)];
        return [.. Enumerable.Range(0, columns).Select(column => (IReadOnlyList<string>)[.. ordered.Select(row => row.Texts[column])])];
    }
}
