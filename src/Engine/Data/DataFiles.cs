using System.Text.RegularExpressions;
using Microsoft.Extensions.FileSystemGlobbing;
using Microsoft.Extensions.FileSystemGlobbing.Abstractions;

namespace MnrEngine.Data;

/// <summary>Finds the files that a path means: one file, all that match a pattern, or those of a folder.</summary>
public static partial class DataFiles
{
    /// <summary>The files that a path means, in the order of their names, which is that of a sharded data set's parts.</summary>
    /// <param name="path">
    /// A file; or a pattern with <c>*</c> (and <c>**</c> for folders of any depth); or a folder, of which the files of one format are taken (Parquet
    /// before JSON lines before TSV and CSV before .txt), and where names say train, dev, validation or test, those of one split.
    /// </param>
    /// <param name="split">Which split of a folder: train, dev (or validation) or test, perhaps with more behind it, such as dev_matched.</param>
    /// <exception cref="InputException">A pattern matches nothing, or a folder has no such files.</exception>
    public static IReadOnlyList<string> Find(string path, string split = "train")
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Directory.Exists(path))
        {
            IEnumerable<string> all = Names(path, static folder => Directory.EnumerateFiles(folder).Select(static file => Path.GetFileName(file)));
            return [.. OfSplit(all, split, path).Select(name => Path.Combine(path, name))];
        }

        if (File.Exists(path) || !path.Contains('*', StringComparison.Ordinal))
        {
            return [path];
        }

        string[] matches = [.. Names(path, Matches).Order(StringComparer.Ordinal)];
        return matches.Length > 0 ? matches : throw new InputException($"no file matches {path}");
    }

    /// <summary>The format that a name's extension tells (before .gz), or null.</summary>
    internal static DataFormat? KnownFormat(string path) => Extension(path) switch
    {
        ".tsv" or ".txt" => DataFormat.Tsv,
        ".csv" => DataFormat.Csv,
        ".jsonl" or ".ndjson" or ".json" => DataFormat.JsonLines,
        ".parquet" => DataFormat.Parquet,
        _ => null,
    };

    /// <summary>A name's extension in lower case, .gz left away.</summary>
    internal static string Extension(string path) =>
        Path.GetExtension(path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path).ToLowerInvariant();

    /// <summary>Whether a name says that it is of a split; null when it names none.</summary>
    internal static bool? IsOfSplit(string name, string split)
    {
        Match match = SplitName().Match(name);
        if (!match.Success)
        {
            return null;
        }

        // dev_matched.tsv is of the splits dev and validation_matched.
        string named = Canonical(match.Value);
        string wanted = Canonical(split);
        return named.StartsWith(wanted, StringComparison.Ordinal) && (named.Length == wanted.Length || !char.IsAsciiLetter(named[wanted.Length]));
    }

    /// <summary>Whether a split's name is train, dev (or validation) or test, perhaps with more behind it: MNLI has validation_matched.</summary>
    internal static bool IsKnownSplit(string split) => KnownSplit().IsMatch(split);

    /// <summary>validation, valid, val and dev are one split, and so are validation_matched and dev_matched.</summary>
    internal static string Canonical(string split) => Validation().Replace(split.ToLowerInvariant(), "dev");

    /// <summary>Of the files that lie together, those of the best format and of one split.</summary>
    internal static IReadOnlyList<string> OfSplit(IEnumerable<string> names, string split, string folder)
    {
        string[] files = [.. names.Where(static name => Rank(name) >= 0 && name[(name.LastIndexOf('/') + 1)..][0] is not ('.' or '_'))];
        if (files.Length == 0)
        {
            throw new InputException($"{folder} has no .parquet, .jsonl, .tsv, .csv or .txt file, but at least one was expected");
        }

        string[] ofSplit = [.. files.Where(name => IsOfSplit(name, split) == true)];
        if (ofSplit.Length == 0 && files.Any(name => IsOfSplit(name, split) == false))
        {
            throw new InputException($"{folder} has no file of the {split} split: it has {string.Join(", ", files.Order(StringComparer.Ordinal).Take(8))}");
        }

        string[] wanted = ofSplit.Length > 0 ? ofSplit : files;
        int best = wanted.Min(Rank);
        return [.. wanted.Where(name => Rank(name) == best).Order(StringComparer.Ordinal)];
    }

    /// <summary>
    /// Which of the formats that the same rows lie in is read: publishers put SNLI as .jsonl and .txt into one folder. Descriptions in
    /// .json and .md lie there too, and are no rows.
    /// </summary>
    private static int Rank(string name) => Extension(name) switch
    {
        ".parquet" => 0,
        ".jsonl" or ".ndjson" => 1,
        ".tsv" or ".csv" => 2,
        ".txt" when IsOfSplit(name, "") is not null => 3,
        _ => -1,
    };

    private static IEnumerable<string> Matches(string pattern)
    {
        int wildcard = pattern.IndexOf('*', StringComparison.Ordinal);
        int rootEnd = pattern[..wildcard].LastIndexOfAny([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar]) + 1;
        string root = pattern[..rootEnd];
        DirectoryInfo folder = new(root.Length == 0 ? "." : root);
        if (!folder.Exists)
        {
            return [];
        }

        Matcher matcher = new(OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);
        matcher.AddInclude(pattern[rootEnd..]);
        return matcher.Execute(new DirectoryInfoWrapper(folder)).Files.Select(match => Path.Combine(root, match.Path));
    }

    private static IReadOnlyList<string> Names(string path, Func<string, IEnumerable<string>> list)
    {
        try
        {
            return [.. list(path)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"the files of {path} cannot be listed: {e.Message}", e);
        }
    }

    // A word of the file's own name that is a split's: snli_1.0_train.jsonl, train-00000-of-00001.parquet, dev_matched.tsv.
    [GeneratedRegex("(?<![a-z])(train|dev|validation|valid|val|test)(?![a-z])[^/]*\\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SplitName();

    [GeneratedRegex("\\A(train|dev|validation|valid|val|test)(?![a-z0-9])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex KnownSplit();

    [GeneratedRegex("\\A(validation|valid|val)(?![a-z])")]
    private static partial Regex Validation();
}
