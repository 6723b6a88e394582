namespace MnrEngine.Data.Sampling;

/// <summary>
/// MT19937 (Matsumoto and Nishimura, 1998), the generator under both torch's CPU generator and Python's <c>random</c>: the two differ
/// only in how a seed becomes the first state and in what they make of the 32-bit words.
/// </summary>
internal sealed class MersenneTwister
{
    private const int StateLength = 624;
    private const int Middle = 397;
    private const uint UpperBit = 0x8000_0000;
    private const uint LowerBits = 0x7fff_ffff;
    private const uint TwistMatrix = 0x9908_b0df;

    private readonly uint[] _state = new uint[StateLength];
    private int _next = StateLength;

    /// <summary>The reference's <c>init_genrand</c>.</summary>
    public MersenneTwister(uint seed)
    {
        _state[0] = seed;
        for (int i = 1; i < StateLength; i++)
        {
            _state[i] = (1_812_433_253u * (_state[i - 1] ^ (_state[i - 1] >> 30))) + (uint)i;
        }
    }

    /// <summary>The reference's <c>init_by_array</c>; <paramref name="key"/> has at least one word.</summary>
    public MersenneTwister(ReadOnlySpan<uint> key)
        : this(19_650_218u)
    {
        int i = 1;
        int j = 0;
        for (int k = Math.Max(StateLength, key.Length); k > 0; k--)
        {
            _state[i] = (_state[i] ^ ((_state[i - 1] ^ (_state[i - 1] >> 30)) * 1_664_525u)) + key[j] + (uint)j;
            i = Advance(i);
            j = j + 1 < key.Length ? j + 1 : 0;
        }

        for (int k = StateLength - 1; k > 0; k--)
        {
            _state[i] = (_state[i] ^ ((_state[i - 1] ^ (_state[i - 1] >> 30)) * 1_566_083_941u)) - (uint)i;
            i = Advance(i);
        }

        _state[0] = UpperBit;
    }

    /// <summary>A copy of another generator's state.</summary>
    public MersenneTwister(MersenneTwister other)
    {
        other._state.CopyTo(_state, 0);
        _next = other._next;
    }

    /// <summary>The next word, tempered.</summary>
    public uint NextUInt32()
    {
        if (_next == StateLength)
        {
            Twist();
        }

        uint word = _state[_next++];
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        return word ^ (word >> 18);
    }

    private void Twist()
    {
        for (int i = 0; i < StateLength; i++)
        {
            uint mixed = (_state[i] & UpperBit) | (_state[(i + 1) % StateLength] & LowerBits);
            _state[i] = _state[(i + Middle) % StateLength] ^ (mixed >> 1) ^ ((mixed & 1) * TwistMatrix);
        }

        _next = 0;
    }

    private int Advance(int i)
    {
        if (i + 1 < StateLength)
        {
            return i + 1;
        }

        _state[0] = _state[StateLength - 1];
        return 1;
    }
}
