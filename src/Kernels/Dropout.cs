namespace MnrEngine.Kernels;

/// <summary>
/// One place of the network where elements are dropped. An element is kept when its 32-bit word of Philox 4x32-10 is below
/// (1 - <paramref name="Probability"/>) * 2^32, and is then divided by 1 - <paramref name="Probability"/>. Key: the seed. Counter:
/// (element / 4 as 64 bits, low word first; <paramref name="Site"/>; step); the word is number element % 4 of the four. So forward,
/// backward and every implementation draw the same mask, and none is stored.
/// </summary>
/// <param name="Probability">The share of elements dropped, in [0, 1); 0 is no dropout.</param>
/// <param name="Site">The place's number, in the network's forward order.</param>
/// <param name="State">Int32 (1, 4) on the device: seed (low word, high word), step, and an unused word; see <see cref="IKernels.Write(Tensor, ReadOnlySpan{int})"/>.</param>
public readonly record struct Dropout(float Probability, int Site, Tensor State)
{
    /// <summary>No dropout.</summary>
    public static Dropout None => default;

    /// <summary>Whether any element can be dropped.</summary>
    public bool IsActive => Probability > 0;
}
