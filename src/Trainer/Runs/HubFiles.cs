using MnrEngine.Data;
using MnrEngine.Hub;
using MnrEngine.Serialization;
using MnrEngine.Trainer.Reporting;

namespace MnrEngine.Trainer.Runs;

/// <summary>Rows that a user names.</summary>
/// <param name="Path">A file, a pattern, a folder, or the id of a data set on the hub, behind which <c>:SUBSET:SPLIT</c> may stand.</param>
/// <param name="DefaultSplit">The split of such a data set or of a folder when none is named.</param>
internal sealed record NamedRows(string Path, string DefaultSplit)
{
    /// <summary>The subset of a data set on the hub; null for the one that its id names, or its default.</summary>
    public string? Subset { get; init; }

    /// <summary>The split; null for the one that the id names, or the default.</summary>
    public string? Split { get; init; }

    /// <summary>The revision when the id has none; null for main.</summary>
    public string? Revision { get; init; }

    /// <summary>Which subset is taken where none is named and the data set has no default: the first of these that there is.</summary>
    public IReadOnlyList<string> PreferredSubsets { get; init; } = [];
}

/// <summary>
/// What a user names: something on the disk, or the id of something on the Hugging Face hub, which is fetched if the cache doesn't have it. What is on
/// the disk wins, and what can't be an id is left to those who read files to complain about.
/// </summary>
internal static class HubFiles
{
    /// <summary>The folder of a model.</summary>
    /// <param name="model">A folder or an id, perhaps with <c>@</c> and a revision.</param>
    /// <param name="log">Where downloads are shown.</param>
    /// <param name="revision">The revision when the id has none; null for main.</param>
    /// <exception cref="InputException">It is an id, and there is no such model or it can't be fetched.</exception>
    public static string Model(string model, TextWriter log, string? revision = null) =>
        Repository(model, HubKind.Model, revision) is not HubRepository repository ? model
            : Fetch(model, "folder", log, client => client.GetModel(repository));

    /// <summary>The folder, vocab.txt or tokenizer.json of a tokenizer; of a model on the hub only the tokenizer is fetched.</summary>
    /// <exception cref="InputException">It is an id, and there is no such model or it can't be fetched.</exception>
    public static string Tokenizer(string model, TextWriter log) =>
        Repository(model, HubKind.Model, null) is not HubRepository repository ? model
            : Fetch(model, "folder", log, client => client.GetTokenizer(repository));

    /// <summary>The files of a data set.</summary>
    /// <param name="rows">What is named.</param>
    /// <param name="log">Where downloads are shown.</param>
    /// <exception cref="InputException">It is an id, and there is no such data set, subset or split, or it can't be fetched.</exception>
    public static IReadOnlyList<string> Data(NamedRows rows, TextWriter log)
    {
        string data = rows.Path;
        if (!IsOnDisk(data) && DatasetReference.TryParse(data, rows.Revision) is DatasetReference named)
        {
            string? subset = OneOf("subset", data, named.Subset, rows.Subset);
            string split = OneOf("split", data, named.Split, rows.Split) ?? rows.DefaultSplit;
            return Fetch(data, "file or folder", log, client => client.GetDataset(named.Repository, subset, split, rows.PreferredSubsets));
        }

        CheckNotOfHub(data, HubKind.Dataset, rows.Revision);
        return rows.Subset is null ? DataFiles.Find(data, rows.Split ?? rows.DefaultSplit)
            : throw new InputException($"the subset {rows.Subset} is asked for, but subsets are for data sets of the hub, and {data} is none");
    }

    /// <summary>Whether a text is an id: it is not on the disk, and looks like one.</summary>
    public static bool IsId(string text, HubKind kind) =>
        !IsOnDisk(text) && (kind == HubKind.Dataset ? DatasetReference.TryParse(text) is not null : HubRepository.TryParse(text, kind) is not null);

    /// <summary>What a data set is called: its id without revision, subset and split, or the file's name.</summary>
    public static string DatasetName(string data) => !IsOnDisk(data) && DatasetReference.TryParse(data) is DatasetReference named ? named.Repository.Id : Path.GetFileName(data);

    private static string? OneOf(string what, string data, string? named, string? given) => named is null || given is null || named == given
        ? named ?? given
        : throw new InputException($"{data} names the {what} {named}, but {given} is asked for as well; give one of them");

    private static HubRepository? Repository(string text, HubKind kind, string? revision)
    {
        HubRepository? repository = IsOnDisk(text) ? null : HubRepository.TryParse(text, kind, revision);
        if (repository is null)
        {
            CheckNotOfHub(text, kind, revision);
        }

        return repository;
    }

    private static void CheckNotOfHub(string text, HubKind kind, string? revision)
    {
        if (revision is not null)
        {
            throw new InputException($"the revision {revision} is asked for, but revisions are for the hub, and {text} is not the id of a {(kind == HubKind.Model ? "model" : "data set")} there");
        }
    }

    private static bool IsOnDisk(string path)
    {
        if (path.Length == 0 || path.Contains('\0') || Path.Exists(path))
        {
            return path.Length > 0;
        }

        // A folder that is being replaced, or was when the power failed.
        return HubRepository.TryParse(path, HubKind.Model) is not null && RecoveredFolder(path);
    }

    private static bool RecoveredFolder(string path)
    {
        AtomicFolder.Recover(path);
        return Directory.Exists(path);
    }

    private static T Fetch<T>(string text, string missing, TextWriter log, Func<HubClient, T> fetch)
    {
        HubSettings settings = HubSettings.FromEnvironment();
        try
        {
            return DownloadDisplay.Run(log, settings, progress =>
            {
                using HubClient client = new(settings, progress);
                return fetch(client);
            });
        }
        catch (InputException error)
        {
            throw new InputException($"there is no {missing} {text}, and {error.Message}", error);
        }
    }
}
