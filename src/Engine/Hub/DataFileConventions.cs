using System.Text.RegularExpressions;

namespace MnrEngine.Hub;

/// <summary>
/// Which files are a data set's and of which split, when nothing but their names tells: the rules of Python's datasets library. The first of these that
/// fits some files counts: <c>data/SPLIT-00000-of-00001.EXT</c> with splits of any name; folders named after splits; files named after splits; all
/// files, as train.
/// </summary>
internal static partial class DataFileConventions
{
    private const string Separators = "-._ 0-9";
    private const string ShardNumbers = "-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9]*.*";

    private static readonly (string Split, string[] Keywords)[] Keywords =
    [
        (DatasetSplit.Default, ["train", "training"]),
        ("validation", ["validation", "valid", "dev", "val"]),
        ("test", ["test", "testing", "eval", "evaluation"]),
    ];

    private static readonly string[] InFolderNames = ["**/{0}/**", "**/{0}[{1}]*/**", "**/*[{1}]{0}/**", "**/*[{1}]{0}[{1}]*/**"];
    private static readonly string[] InFileNames = ["**/{0}[{1}]*", "**/*[{1}]{0}[{1}]*"];

    /// <summary>Files that describe a data set and hold no rows.</summary>
    private static readonly string[] NotData = ["README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip", "dataset_dict.json"];

    /// <summary>The splits that the names show, each with the patterns of its files.</summary>
    /// <param name="paths">All files.</param>
    /// <param name="folder">Where the data set is among them; empty for the root.</param>
    public static IReadOnlyList<DatasetSplit> Splits(IReadOnlyCollection<string> paths, string folder)
    {
        string[] sharded = [.. Matches(paths, folder, $"data/*{ShardNumbers}").Select(static path => Shard().Match(Path.GetFileName(path)).Groups[1].Value).Distinct()];
        if (sharded.Length > 0)
        {
            return [.. sharded
                .OrderBy(static split => Array.FindIndex(Keywords, known => known.Split == split) is int place and >= 0 ? place : Keywords.Length)
                .ThenBy(static split => split, StringComparer.Ordinal)
                .Select(static split => new DatasetSplit(split, [$"data/{split}{ShardNumbers}"]))];
        }

        foreach (string[] forms in (string[][])[InFolderNames, InFileNames])
        {
            DatasetSplit[] splits = [.. Keywords
                .Select(known => new DatasetSplit(known.Split, [.. known.Keywords.SelectMany(keyword => forms.Select(form => form.Replace("{0}", keyword).Replace("{1}", Separators)))]))
                .Where(split => split.Patterns.Any(pattern => Matches(paths, folder, pattern).Any()))];
            if (splits.Length > 0)
            {
                return splits;
            }
        }

        return Matches(paths, folder, "**").Any() ? [new DatasetSplit(DatasetSplit.Default, ["**"])] : [];
    }

    /// <summary>The files that a pattern means, in the order of their names.</summary>
    /// <exception cref="InputException">It can't be understood, or means one file that is not there.</exception>
    public static IReadOnlyList<string> Resolve(IReadOnlyCollection<string> paths, string folder, string pattern, string place)
    {
        DataFilePattern parsed = DataFilePattern.TryParse(folder, pattern) ?? throw new InputException($"{place} names the data files {pattern}, which is no pattern of files in the repository");
        string[] files = [.. Matches(paths, parsed, pattern)];
        return files.Length > 0 || !parsed.IsPlain ? files : throw new InputException($"{place} names the data file {pattern}, which is not there");
    }

    private static IEnumerable<string> Matches(IReadOnlyCollection<string> paths, string folder, string pattern) =>
        DataFilePattern.TryParse(folder, pattern) is DataFilePattern parsed ? Matches(paths, parsed, pattern) : [];

    private static IEnumerable<string> Matches(IReadOnlyCollection<string> paths, DataFilePattern parsed, string pattern)
    {
        string named = pattern[(pattern.LastIndexOf('/') + 1)..];
        return paths
            .Where(path => parsed.Matches(path) && Path.GetFileName(path) is string name && (name == named || !NotData.Contains(name)))
            .Order(StringComparer.Ordinal);
    }

    [GeneratedRegex(@"^(.+)-[0-9]{5}-of-[0-9]{5}")]
    private static partial Regex Shard();
}
