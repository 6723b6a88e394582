namespace MnrEngine.Kernels.Cpu;

/// <summary>The tokens of a batch sorted by the table row they use, and among those of one row by their place in the batch.</summary>
internal static unsafe class TokenGroups
{
    /// <summary>Makes room for this many tokens.</summary>
    public static void Reserve(ref NativeBuffer? buffer, int tokens) => NativeBuffer.Grow(ref buffer, (long)tokens * sizeof(long) / sizeof(float));

    /// <summary>Sorts the tokens.</summary>
    /// <param name="buffer">Where the result lies; grown when it is too small.</param>
    /// <param name="rows">The row of each token.</param>
    /// <param name="tokens">Their number.</param>
    /// <returns>One entry a token; see <see cref="Row"/> and <see cref="Token"/>.</returns>
    public static long* Sort(ref NativeBuffer? buffer, int* rows, int tokens)
    {
        Reserve(ref buffer, tokens);
        long* groups = (long*)buffer!.Pointer;
        for (int token = 0; token < tokens; token++)
        {
            groups[token] = ((long)rows[token] << 32) | (uint)token;
        }

        new Span<long>(groups, tokens).Sort();
        return groups;
    }

    /// <summary>The row of an entry.</summary>
    public static int Row(long entry) => (int)(entry >> 32);

    /// <summary>The token of an entry.</summary>
    public static int Token(long entry) => (int)entry;
}
