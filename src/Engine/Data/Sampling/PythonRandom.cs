using System.Numerics;

namespace MnrEngine.Data.Sampling;

/// <summary>Python's <c>random.Random(seed)</c> as far as the old data loader, the example scripts and MatryoshkaLoss use it: <c>shuffle</c>, <c>choice</c> and <c>sample</c>.</summary>
public sealed class PythonRandom
{
    private readonly MersenneTwister _words;

    /// <summary>
    /// A generator in the state that <c>random.seed(seed)</c> leaves it in: <c>init_by_array</c> over the 32-bit words of the
    /// seed's magnitude (the sign is lost, as in Python).
    /// </summary>
    public PythonRandom(long seed)
    {
        ulong magnitude = seed < 0 ? (ulong)-(seed + 1) + 1 : (ulong)seed;
        ReadOnlySpan<uint> key = [(uint)magnitude, (uint)(magnitude >> 32)];
        _words = new MersenneTwister(key[1] == 0 ? key[..1] : key);
    }

    /// <summary>A generator in the same state as another, which it doesn't affect: <c>setstate(other.getstate())</c>.</summary>
    public PythonRandom(PythonRandom other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _words = new MersenneTwister(other._words);
    }

    /// <summary><c>random.shuffle</c>: Fisher-Yates from the right.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int other = Below(i + 1);
            (items[i], items[other]) = (items[other], items[i]);
        }
    }

    /// <summary><c>random.sample(range(length), count)</c>, in the order drawn.</summary>
    public int[] Sample(int length, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, length);
        int[] result = new int[count];
        int setSize = count > 5 ? 21 + (int)Math.Pow(4, Math.Ceiling(Math.Log(count * 3, 4))) : 21;
        if (length <= setSize)
        {
            int[] pool = [.. Enumerable.Range(0, length)];
            for (int i = 0; i < count; i++)
            {
                int drawn = Below(length - i);
                result[i] = pool[drawn];
                pool[drawn] = pool[length - i - 1];
            }

            return result;
        }

        HashSet<int> selected = [];
        for (int i = 0; i < count; i++)
        {
            int drawn;
            do
            {
                drawn = Below(length);
            }
            while (!selected.Add(drawn));

            result[i] = drawn;
        }

        return result;
    }

    /// <summary>Python's <c>_randbelow</c>, the position that <c>random.choice</c> takes: as many bits as the limit has, drawn until they are below it.</summary>
    /// <param name="limit">At least 1.</param>
    public int Below(int limit)
    {
        int shift = BitOperations.LeadingZeroCount((uint)limit);
        uint drawn;
        do
        {
            drawn = _words.NextUInt32() >> shift;
        }
        while (drawn >= (uint)limit);

        return (int)drawn;
    }
}
