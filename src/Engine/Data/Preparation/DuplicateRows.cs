using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace MnrEngine.Data.Preparation;

/// <summary>
/// Tells rows that came before by 64 bits of each, 16 to 32 MB for a million rows and half of that while the table grows: a HashSet takes more than twice as
/// much. That any two different ones are taken for the same happens in one of 40 million data sets of a million rows.
/// </summary>
internal sealed class DuplicateRows
{
    // An empty place; a row whose bits these are takes the place of those with the next number.
    private const ulong Empty = 0;

    private ulong[] _seen = new ulong[1 << 12];
    private int _count;
    private ulong _row;

    /// <summary>Takes the next field of a row.</summary>
    public void Add(ReadOnlySpan<char> field)
    {
        // The hash of each field starts from that of those before, so that where one ends counts.
        _row = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(field), (long)_row);
    }

    /// <summary>Ends a row with its number; true when none equalled it so far.</summary>
    public bool EndRow(double number)
    {
        ulong row = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(new ReadOnlySpan<double>(in number)), (long)_row);
        _row = 0;
        if (!Insert(row == Empty ? Empty + 1 : row))
        {
            return false;
        }

        if (++_count * 2L > _seen.Length)
        {
            Grow();
        }

        return true;
    }

    /// <summary>Looks from the place that the bits name on, up to one that is empty; at least half of them are.</summary>
    private bool Insert(ulong row)
    {
        int place = (int)(row & (ulong)(_seen.Length - 1));
        for (; _seen[place] != Empty; place = (place + 1) & (_seen.Length - 1))
        {
            if (_seen[place] == row)
            {
                return false;
            }
        }

        _seen[place] = row;
        return true;
    }

    private void Grow()
    {
        ulong[] before = _seen;
        _seen = new ulong[before.Length * 2];
        foreach (ulong row in before)
        {
            if (row != Empty)
            {
                Insert(row);
            }
        }
    }
}
