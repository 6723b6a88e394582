namespace MnrEngine.Data.Sampling;

/// <summary>
/// torch's CPU generator as far as data loading uses it: the same seed gives the permutations that <c>torch.randperm</c> gives, so that
/// our batches are sentence-transformers' batches.
/// </summary>
public sealed class TorchGenerator
{
    // From here on torch draws 64 bits per element, which no data set of ours needs and no fixture shows.
    private const int FirstUnsupportedLength = 214_748_364;

    private MersenneTwister _words;

    /// <summary>A generator seeded as <c>torch.Generator().manual_seed(seed)</c> is.</summary>
    public TorchGenerator(long seed) => _words = new MersenneTwister((uint)seed);

    /// <summary>Begins anew, as <c>manual_seed</c> does. MT19937 takes only the lower 32 bits of the seed.</summary>
    public void Seed(long seed) => _words = new MersenneTwister((uint)seed);

    /// <summary>The next 32 random bits.</summary>
    public uint NextUInt32() => _words.NextUInt32();

    /// <summary>The next element of <c>uniform_(from, to)</c> on floats: 24 random bits, scaled and shifted in one rounding.</summary>
    public float NextUniform(float from, float to)
    {
        const uint Mask = (1u << 24) - 1;
        float x = (_words.NextUInt32() & Mask) * (1f / (1u << 24));
        return MathF.FusedMultiplyAdd(x, to - from, from);
    }

    /// <summary>
    /// <c>torch.randperm(length)</c>: a random order of 0 .. length-1. Torch walks from the left, swaps each element with one drawn
    /// (by remainder) from those not yet placed, and draws nothing for the last.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative or above 214,748,363.</exception>
    public int[] RandPerm(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(length, FirstUnsupportedLength);
        int[] order = new int[length];
        for (int i = 0; i < length; i++)
        {
            order[i] = i;
        }

        for (int i = 0; i < length - 1; i++)
        {
            int other = i + (int)(_words.NextUInt32() % (uint)(length - i));
            (order[i], order[other]) = (order[other], order[i]);
        }

        return order;
    }
}
