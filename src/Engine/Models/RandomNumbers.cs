namespace MnrEngine.Models;

/// <summary>Random numbers for new weights: xoshiro256** seeded by splitmix64 (Blackman and Vigna), the same on every machine.</summary>
internal sealed class RandomNumbers
{
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    public RandomNumbers(long seed)
    {
        ulong state = unchecked((ulong)seed);
        _a = SplitMix(ref state);
        _b = SplitMix(ref state);
        _c = SplitMix(ref state);
        _d = SplitMix(ref state);
    }

    /// <summary>Fills with draws from the normal distribution of mean 0 (Box and Muller's method).</summary>
    public void Normal(Span<float> values, double deviation)
    {
        for (int i = 0; i < values.Length; i += 2)
        {
            double radius = deviation * Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
            (double sine, double cosine) = Math.SinCos(2 * Math.PI * NextDouble());
            values[i] = (float)(radius * cosine);
            if (i + 1 < values.Length)
            {
                values[i + 1] = (float)(radius * sine);
            }
        }
    }

    /// <summary>Fills with draws from [-limit, limit).</summary>
    public void Uniform(Span<float> values, double limit)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (float)(limit * ((2 * NextDouble()) - 1));
        }
    }

    private static ulong SplitMix(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        ulong mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    /// <summary>The next draw from [0, 1), with 53 random bits.</summary>
    private double NextDouble()
    {
        ulong result = ulong.RotateLeft(_b * 5, 7) * 9;
        ulong shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = ulong.RotateLeft(_d, 45);
        return (result >> 11) * (1.0 / (1UL << 53));
    }
}
