using System.IO.Hashing;
using System.Text;

namespace MnrEngine.Data;

/// <summary>
/// Many different texts, numbered in the order in which they first came. They lie as UTF-8 in large blocks: a million sentences take 100 MB less
/// than as strings. The blocks lie in the heap of pinned objects, as the segments of <see cref="SegmentedList{T}"/> do. Reading is safe from several threads at once while nothing is added.
/// </summary>
internal sealed class TextStore
{
    private const int BlockLength = 1 << 20;

    private readonly List<byte[]> _blocks = [];
    private readonly SegmentedList<(int Block, int Start, int Length)> _places = new();
    private readonly SegmentedList<ulong> _hashes = new();
    private int _used = BlockLength;
    private int[] _slots = NewSlots(1 << 16);
    private byte[] _utf8 = new byte[1_024];

    /// <summary>The number of different texts.</summary>
    public int Count => _places.Count;

    /// <summary>The number of a text, which is added if it is new.</summary>
    public int NumberOf(ReadOnlySpan<char> text)
    {
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (_utf8.Length < most)
        {
            _utf8 = new byte[most * 2];
        }

        ReadOnlySpan<byte> utf8 = _utf8.AsSpan(0, Encoding.UTF8.GetBytes(text, _utf8));
        ulong hash = XxHash3.HashToUInt64(utf8);
        int slot = FirstSlot(hash);
        for (; _slots[slot] >= 0; slot = (slot + 1) & (_slots.Length - 1))
        {
            int number = _slots[slot];
            if (_hashes[number] == hash && Utf8(number).SequenceEqual(utf8))
            {
                return number;
            }
        }

        _slots[slot] = Count;
        _hashes.Add(hash);
        Store(utf8);
        if (Count * 2 > _slots.Length)
        {
            Grow();
        }

        return Count - 1;
    }

    /// <summary>Forgets what is only needed to tell whether a text is new: from here on there are no more.</summary>
    public void Seal()
    {
        _hashes.Clear();
        _slots = [];
        _utf8 = [];
    }

    /// <summary>The text of a number.</summary>
    public string Text(int number) => Encoding.UTF8.GetString(Utf8(number));

    /// <summary>The UTF-8 of a number's text.</summary>
    public ReadOnlySpan<byte> Utf8(int number)
    {
        (int block, int start, int length) = _places[number];
        return _blocks[block].AsSpan(start, length);
    }

    private static int[] NewSlots(int length)
    {
        int[] slots = new int[length];
        Array.Fill(slots, -1);
        return slots;
    }

    private int FirstSlot(ulong hash) => (int)(hash & (ulong)(_slots.Length - 1));

    private void Store(ReadOnlySpan<byte> utf8)
    {
        if (_used + utf8.Length > BlockLength)
        {
            _blocks.Add(GC.AllocateUninitializedArray<byte>(Math.Max(BlockLength, utf8.Length), pinned: true));
            _used = 0;
        }

        utf8.CopyTo(_blocks[^1].AsSpan(_used));
        _places.Add((_blocks.Count - 1, _used, utf8.Length));
        _used += utf8.Length;
    }

    private void Grow()
    {
        _slots = NewSlots(_slots.Length * 2);
        for (int number = 0; number < Count; number++)
        {
            int slot = FirstSlot(_hashes[number]);
            while (_slots[slot] >= 0)
            {
                slot = (slot + 1) & (_slots.Length - 1);
            }

            _slots[slot] = number;
        }
    }
}
