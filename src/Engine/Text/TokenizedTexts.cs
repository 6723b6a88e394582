namespace MnrEngine.Text;

/// <summary>The token ids of many texts in one array without padding, special tokens included.</summary>
public sealed class TokenizedTexts
{
    internal TokenizedTexts(int[] tokenIds, int[] offsets, int truncatedCount)
    {
        TokenIds = tokenIds;
        Offsets = offsets;
        TruncatedCount = truncatedCount;
        for (int text = 0; text < Count; text++)
        {
            LongestLength = Math.Max(LongestLength, offsets[text + 1] - offsets[text]);
        }
    }

    /// <summary>The ids of all texts, one text after the other.</summary>
    public int[] TokenIds { get; }

    /// <summary>Where each text begins in <see cref="TokenIds"/>, and their end: <see cref="Count"/> + 1 numbers.</summary>
    public int[] Offsets { get; }

    /// <summary>How many texts there are.</summary>
    public int Count => Offsets.Length - 1;

    /// <summary>The length of the longest text in tokens; 0 where there are no texts.</summary>
    public int LongestLength { get; }

    /// <summary>How many texts were longer than the maximum length and were cut.</summary>
    public int TruncatedCount { get; }

    /// <summary>The ids of one text.</summary>
    public ReadOnlySpan<int> this[int text] => TokenIds.AsSpan(Offsets[text]..Offsets[text + 1]);
}
