using System.Globalization;
using System.Text.RegularExpressions;
using MnrEngine.Data;

namespace MnrEngine.Hub;

/// <summary>What is wanted of a data set.</summary>
/// <param name="Subset">The subset, or null for its default.</param>
/// <param name="Split">The split, or null for train.</param>
/// <param name="Preferred">Which subset is taken where none is named and none is the default: the first of these that there is.</param>
internal sealed record DatasetWish(string? Subset, string? Split, IReadOnlyList<string> Preferred);

/// <summary>
/// Chooses the files of a data set's split, and fetches them: by the list of subsets in README.md where there is one, else by the names of folders and
/// files, both as Python's datasets library does it (data_files.py, load.py).
/// </summary>
internal static partial class DatasetDownload
{
    private const string Card = "README.md";
    private const string DefaultSubset = "default";

    /// <summary>What can be read, in the order of preference when as many files are of one kind as of another.</summary>
    private static readonly string[] Readable = [".parquet", ".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".txt"];

    /// <summary>Chooses and fetches.</summary>
    /// <exception cref="HubException">A file can't be had.</exception>
    /// <exception cref="InputException">There is no such subset or split, or its files are none that can be read.</exception>
    public static IReadOnlyList<string> Fetch(HubSnapshot snapshot, HubRepository repository, DatasetWish wish, IDownloadProgress progress)
    {
        IReadOnlyList<string> paths = Choose(
            [.. snapshot.Listing.Files.Keys],
            snapshot.Listing.Files.ContainsKey(Card) ? File.ReadAllText(snapshot.Fetch(Card)) : "",
            snapshot.Name,
            $"{Card} of the {repository}",
            repository.Id,
            wish,
            progress.Message);
        if (!snapshot.Listing.IsComplete)
        {
            CheckShards(paths, snapshot.Name);
        }

        return [.. paths.Select(snapshot.Fetch)];
    }

    /// <summary>Chooses the files of a split.</summary>
    /// <param name="paths">All files of the repository.</param>
    /// <param name="card">Its README.md, or an empty text.</param>
    /// <param name="name">What it is, for a sentence.</param>
    /// <param name="cardName">What README.md is, for a sentence.</param>
    /// <param name="id">Its id.</param>
    /// <param name="wish">What is wanted of it.</param>
    /// <param name="note">Is told what was chosen for the user.</param>
    public static IReadOnlyList<string> Choose(
        IReadOnlyCollection<string> paths, string card, string name, string cardName, string id, DatasetWish wish, Action<string> note)
    {
        DatasetSubset chosen = ChooseSubset(DatasetCard.Read(card, cardName), wish, name, id, note);
        string place = chosen.Name == DefaultSubset ? name : $"the subset {chosen.Name} of {name}";
        IReadOnlyList<DatasetSplit> splits = chosen.Splits ?? DataFileConventions.Splits(paths, chosen.Folder);
        if (splits.Count == 0)
        {
            throw new InputException($"{place} holds no data files that can be read ({string.Join(", ", Readable)}, also with .gz)");
        }

        string wanted = wish.Split ?? DatasetSplit.Default;
        DatasetSplit found = splits.FirstOrDefault(candidate => candidate.Name == wanted)
            ?? splits.FirstOrDefault(candidate => DataFiles.Canonical(candidate.Name) == DataFiles.Canonical(wanted))
            ?? throw new InputException($"{place} has no split {wanted}; it has {string.Join(", ", splits.Select(static candidate => candidate.Name))}");
        string[] files = [.. found.Patterns.SelectMany(pattern => DataFileConventions.Resolve(paths, chosen.Folder, pattern, place)).Distinct()];
        return OfOneKind(files, $"the split {wanted} of {place}");
    }

    private static DatasetSubset ChooseSubset(IReadOnlyList<DatasetSubset> subsets, DatasetWish wish, string name, string id, Action<string> note)
    {
        string? wanted = wish.Subset;
        if (subsets.Count == 0)
        {
            return wanted is null or DefaultSubset ? new DatasetSubset(DefaultSubset, true, "", null)
                : throw new InputException($"{name} has no subset {wanted}: it has no subsets at all");
        }

        string all = string.Join(", ", subsets.Select(static subset => subset.Name));
        return wanted is not null
            ? subsets.FirstOrDefault(subset => subset.Name == wanted) ?? throw new InputException($"{name} has no subset {wanted}; it has {all}")
            : subsets.Count == 1 ? subsets[0]
            : subsets.FirstOrDefault(static subset => subset.IsDefault) ?? subsets.FirstOrDefault(static subset => subset.Name == DefaultSubset)
            ?? Preferred()
            ?? throw new InputException($"{name} has the subsets {all}, and none of them is its default; name one, as in \"{id}:{subsets[0].Name}\"");

        DatasetSubset? Preferred()
        {
            DatasetSubset? preferred = wish.Preferred.Select(name => subsets.FirstOrDefault(subset => subset.Name == name)).FirstOrDefault(static subset => subset is not null);
            if (preferred is not null)
            {
                note($"{id} has the subsets {all}, and none of them is its default; {preferred.Name} is taken, which is made for this (\"{id}:{preferred.Name}\" names it)");
            }

            return preferred;
        }
    }

    /// <summary>Of the kinds of files that can be read, the one that most are of.</summary>
    private static IReadOnlyList<string> OfOneKind(string[] files, string place)
    {
        IGrouping<string, string>? kind = files
            .Where(static file => KindOf(file) is not null)
            .GroupBy(static file => KindOf(file)!)
            .OrderByDescending(static group => group.Count())
            .ThenBy(static group => Array.IndexOf(Readable, group.Key))
            .FirstOrDefault();
        return kind is not null ? [.. kind]
            : throw new InputException($"{place} has {(files.Length == 0 ? "no files" : $"files such as {files[0]}")}, but files that can be read are needed ({string.Join(", ", Readable)}, also with .gz)");
    }

    private static string? KindOf(string file)
    {
        string name = file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? file[..^3] : file;
        return Readable.FirstOrDefault(extension => name.EndsWith(extension, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Without the repository's list, the names of shards are all that tells whether some are missing.</summary>
    private static void CheckShards(IReadOnlyList<string> paths, string place)
    {
        foreach (IGrouping<string, Match> group in paths.Select(static path => Shard().Match(path)).Where(static shard => shard.Success).GroupBy(static shard => shard.Groups["set"].Value + shard.Groups["of"].Value))
        {
            int count = int.Parse(group.First().Groups["of"].ValueSpan, CultureInfo.InvariantCulture);
            if (group.Count() < count)
            {
                throw new InputException($"{place} has only {group.Count()} of the {count} files of {Path.GetFileName(group.First().Groups["set"].Value)}");
            }
        }
    }

    [GeneratedRegex(@"^(?<set>.*)-\d{5}-of-(?<of>\d{5})\b")]
    private static partial Regex Shard();
}
