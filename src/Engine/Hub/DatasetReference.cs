namespace MnrEngine.Hub;

/// <summary>
/// What a text such as <c>nyu-mll/glue:mnli:validation_matched</c> means: a data set's repository, perhaps one of its subsets, perhaps a split. The hub lets no
/// subset's name have a colon, and git no revision.
/// </summary>
/// <param name="Repository">The data set.</param>
/// <param name="Subset">The subset, or null where none is named.</param>
/// <param name="Split">The split, or null where none is named.</param>
public sealed record DatasetReference(HubRepository Repository, string? Subset, string? Split)
{
    private const char Separator = ':';

    /// <summary>Reads an id (see <see cref="HubRepository.TryParse"/>), behind which may stand <c>:SUBSET</c>, <c>:SUBSET:SPLIT</c> or <c>::SPLIT</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="revision">The revision, when the id has none of its own.</param>
    /// <returns>Null when the text can't be that: it looks like a path, or like a file's name.</returns>
    /// <exception cref="InputException">The revision can't be one, or two are given.</exception>
    public static DatasetReference? TryParse(string text, string? revision = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(Separator);
        bool isChoice = parts.Length == 1 || (parts.Length <= 3 && parts[0].Length > 1 && parts[^1].Length > 0 && !parts[1..].Any(static part => part.AsSpan().ContainsAny("/\\ ")));
        return isChoice && HubRepository.TryParse(parts[0], HubKind.Dataset, revision) is HubRepository repository
            ? new DatasetReference(repository, Part(1), Part(2))
            : null;

        string? Part(int place) => place < parts.Length && parts[place].Length > 0 ? parts[place] : null;
    }
}
