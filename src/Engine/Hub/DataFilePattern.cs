using System.Text;
using System.Text.RegularExpressions;

namespace MnrEngine.Hub;

/// <summary>
/// A pattern of file paths, as Python's datasets library has them by way of fsspec: <c>*</c> and <c>?</c> are within a folder's or file's name,
/// <c>[abc]</c> is one of these, <c>**</c> between slashes is any number of folders. Hidden files, and folders whose names begin with two underscores,
/// match only where the pattern names them so.
/// </summary>
internal sealed class DataFilePattern
{
    private static readonly char[] Wildcards = ['*', '?', '['];
    private static readonly TimeSpan MatchLimit = TimeSpan.FromSeconds(2);

    private readonly string _pattern;
    private readonly Regex _path;

    private DataFilePattern(string pattern, Regex path)
    {
        _pattern = pattern;
        _path = path;
    }

    /// <summary>Whether the pattern means one file.</summary>
    public bool IsPlain => _pattern.AsSpan().IndexOfAny(Wildcards) < 0;

    /// <summary>Understands a pattern.</summary>
    /// <param name="folder">The folder that it counts from; empty for the root.</param>
    /// <param name="pattern">The pattern.</param>
    /// <returns>Null when it can't be one: it leads outside, or <c>**</c> is not alone between slashes.</returns>
    public static DataFilePattern? TryParse(string folder, string pattern)
    {
        string[] parts = [.. $"{folder}/{pattern}".Split('/').Where(static part => part is not ("" or "."))];
        if (pattern.Contains("://") || parts.Length == 0 || parts.Any(static part => part == ".." || (part.Contains("**") && part != "**")))
        {
            return null;
        }

        StringBuilder regex = new(@"\A");
        for (int i = 0; i < parts.Length; i++)
        {
            bool last = i == parts.Length - 1;
            regex.Append(parts[i] switch
            {
                "**" => last ? ".*" : "(?:.+/)?",
                "*" => last ? "[^/]+" : "[^/]+/",
                string part => Translate(part) + (last ? "" : "/"),
            });
        }

        try
        {
            return new DataFilePattern(string.Join('/', parts), new Regex(regex.Append(@"\z").ToString(), RegexOptions.Singleline | RegexOptions.CultureInvariant, MatchLimit));
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Whether a path matches.</summary>
    public bool Matches(string path)
    {
        try
        {
            return _path.IsMatch(path) && Special(Folders(path)) == Special(Folders(_pattern)) && Hidden(path.Split('/')) == Hidden(_pattern.Split('/'));
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new InputException($"the pattern {_pattern} of data files is too intricate", error);
        }
    }

    private static IEnumerable<string> Folders(string path) => path.Split('/').SkipLast(1);

    private static int Special(IEnumerable<string> parts) => parts.Count(static part => part.StartsWith("__", StringComparison.Ordinal));

    private static int Hidden(IEnumerable<string> parts) => parts.Count(static part => part[0] == '.');

    /// <summary>One name of a path, as Python's fnmatch reads it.</summary>
    private static string Translate(string part)
    {
        StringBuilder regex = new();
        for (int i = 0; i < part.Length; i++)
        {
            int end = part[i] == '[' ? EndOfSet(part, i) : -1;
            if (end > 0)
            {
                bool negated = part[i + 1] == '!';
                string set = part[(i + (negated ? 2 : 1))..end].Replace(@"\", @"\\").Replace("[", @"\[").Replace("]", @"\]").Replace("^", @"\^");
                regex.Append(negated ? "(?!/)[^" : "(?!/)[").Append(set).Append(']');
                i = end;
            }
            else
            {
                regex.Append(part[i] switch
                {
                    '*' => "[^/]*",
                    '?' => "[^/]",
                    char other => Regex.Escape(other.ToString()),
                });
            }
        }

        return regex.ToString();
    }

    /// <summary>Where the bracket of a set closes; one that comes first is in the set. -1 when none closes it, so that [ is itself.</summary>
    private static int EndOfSet(string part, int open)
    {
        int first = open + (open + 1 < part.Length && part[open + 1] == '!' ? 2 : 1);
        return first + 1 < part.Length ? part.IndexOf(']', first + 1) : -1;
    }
}
