using System.Text.RegularExpressions;
using MnrEngine.Data;

namespace MnrEngine.Hub;

/// <summary>What a repository of the hub holds.</summary>
public enum HubKind
{
    /// <summary>A model.</summary>
    Model,

    /// <summary>A data set.</summary>
    Dataset,
}

/// <summary>A repository of the hub at one of its revisions.</summary>
public sealed partial record HubRepository
{
    /// <summary>The revision when none is named.</summary>
    public const string DefaultRevision = "main";

    private HubRepository(HubKind kind, string id, string revision)
    {
        Kind = kind;
        Id = id;
        Revision = revision;
    }

    /// <summary>What it holds.</summary>
    public HubKind Kind { get; }

    /// <summary>Its name, mostly with that of its owner: <c>sentence-transformers/all-nli</c>.</summary>
    public string Id { get; }

    /// <summary>A branch, a tag or a commit.</summary>
    public string Revision { get; }

    /// <summary>Whether the revision is a commit, which never changes.</summary>
    public bool IsCommit => CommitPattern().IsMatch(Revision);

    /// <summary>The name of its folder in the cache.</summary>
    internal string CacheName => $"{Plural}--{Id.Replace("/", "--")}";

    private string Plural => Kind == HubKind.Model ? "models" : "datasets";

    private string Noun => Kind == HubKind.Model ? "model" : "data set";

    /// <summary>
    /// Reads an id: <c>name</c> or <c>owner/name</c> of letters, digits, <c>-</c>, <c>_</c> and <c>.</c>, perhaps with <c>@</c> and a revision after it.
    /// </summary>
    /// <param name="text">The id.</param>
    /// <param name="kind">What the repository holds.</param>
    /// <param name="revision">The revision, when the id has none of its own.</param>
    /// <returns>The repository, or null when the text can't be the id of one: it looks like a path, or like a file's name.</returns>
    /// <exception cref="InputException">The revision can't be one, or two are given.</exception>
    public static HubRepository? TryParse(string text, HubKind kind, string? revision = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('@', 2);
        if (LooksLikeFile(parts[0], kind) || !IdPattern().IsMatch(parts[0]) || parts[0].Contains("--") || parts[0].Contains("..") || parts[0].EndsWith(".git", StringComparison.Ordinal))
        {
            return null;
        }

        if (parts.Length == 2 && revision is not null && revision != parts[1])
        {
            throw new InputException($"{text} names the revision {parts[1]}, but {revision} is asked for as well; give one of them");
        }

        string named = parts.Length == 2 ? parts[1] : revision ?? DefaultRevision;
        return IsRevision(named) ? new HubRepository(kind, parts[0], named) : throw new InputException($"\"{named}\" can't be a revision of {parts[0]}: a branch, a tag or a commit is expected");
    }

    /// <summary>For a sentence: <c>model bert-base-uncased</c>.</summary>
    public override string ToString() => $"{Noun} {Id}";

    /// <summary>Whether a text is a commit's SHA-1 in full.</summary>
    internal static bool LooksLikeCommit(string text) => CommitPattern().IsMatch(text);

    /// <summary>Whether a path inside a repository leads to a file inside it on every system.</summary>
    internal static bool IsSafePath(string path) =>
        path.Length > 0 && !path.AsSpan().ContainsAny('\\', ':', '\0') && path.Split('/').All(static part => part is not ("" or "." or ".."));

    /// <summary>The address of what the API says about the revision.</summary>
    internal string InfoAddress(string endpoint) => $"{endpoint}/api/{Plural}/{Id}/revision/{Uri.EscapeDataString(Revision)}";

    /// <summary>The address of the list of a commit's files.</summary>
    internal string TreeAddress(string endpoint, string commit) => $"{endpoint}/api/{Plural}/{Id}/tree/{commit}?recursive=true&expand=false";

    /// <summary>The address of a file.</summary>
    internal string FileAddress(string endpoint, string commit, string path) =>
        $"{endpoint}/{(Kind == HubKind.Model ? "" : "datasets/")}{Id}/resolve/{commit}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}";

    /// <summary>A file's name that is misspelt should not become a question to the hub.</summary>
    private static bool LooksLikeFile(string text, HubKind kind) =>
        kind == HubKind.Model ? Path.GetExtension(text) is ".json" or ".txt"
            : DataFiles.KnownFormat(text) is not null || DataFiles.Extension(text) is ".zip" or ".arrow" || text.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);

    private static bool IsRevision(string text) =>
        IsSafePath(text) && !text.AsSpan().ContainsAny("*?\"<>| \t\r\n") && !text.EndsWith(".lock", StringComparison.Ordinal);

    [GeneratedRegex(@"^(\b[\w\-.]+\b/)?\b[\w\-.]{1,96}\b\z", RegexOptions.ECMAScript)]
    private static partial Regex IdPattern();

    [GeneratedRegex(@"^[0-9a-f]{40}\z")]
    private static partial Regex CommitPattern();
}
