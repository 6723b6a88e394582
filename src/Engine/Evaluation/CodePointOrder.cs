namespace MnrEngine.Evaluation;

/// <summary>The order in which Python sorts texts: by code points, where .NET's ordinal order puts those beyond U+FFFF, which are two surrogates, before U+E000.</summary>
internal sealed class CodePointOrder : IComparer<string>
{
    private CodePointOrder()
    {
    }

    /// <summary>The comparer.</summary>
    public static CodePointOrder Instance { get; } = new();

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        int same = x.AsSpan().CommonPrefixLength(y);
        return same < x?.Length && same < y?.Length ? Place(x[same]).CompareTo(Place(y[same])) : string.CompareOrdinal(x, y);
    }

    // Surrogates after all others.
    private static int Place(char unit) => char.IsSurrogate(unit) ? unit + 0x10000 : unit;
}
