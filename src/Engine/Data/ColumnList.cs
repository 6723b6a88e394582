namespace MnrEngine.Data;

/// <summary>The columns of a file in a sentence.</summary>
internal static class ColumnList
{
    // A table of hundreds of features would otherwise fill the screen with one error.
    private const int Most = 20;

    /// <summary>Their names, or the first of them and how many there are.</summary>
    public static string Of(IReadOnlyList<string> names) =>
        names.Count <= Most ? string.Join(", ", names) : $"{string.Join(", ", names.Take(Most))}, ... ({names.Count} in all)";
}
