using System.Globalization;
using System.Text.RegularExpressions;

namespace MnrEngine.Data;

/// <summary>What columns are, by the names that published data sets give them. Case doesn't matter.</summary>
internal static partial class ColumnGuess
{
    private static readonly (string First, string Second)[] TextPairs =
    [
        ("anchor", "positive"),
        ("query", "positive"),
        ("premise", "hypothesis"),
        ("sentence1", "sentence2"),
        ("query", "answer"),
        ("query", "passage"),
        ("query", "document"),
        ("question", "answer"),
        ("question1", "question2"),
        ("sent0", "sent1"),
        ("text1", "text2"),
    ];

    private static readonly string[] LabelNames = ["gold_label", "label", "labels"];
    private static readonly string[] ScoreNames = ["score", "similarity_score", "similarity", "label"];
    private static readonly string[] NliLabels = ["entailment", "neutral", "contradiction", "-"];

    private static readonly HashSet<string> KnownNames = new(
        [.. TextPairs.SelectMany(static pair => (string[])[pair.First, pair.Second]), .. LabelNames, .. ScoreNames], StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Whether a file's first line names columns: two of the names known here are in it. They need not be those of all columns that are wanted, or a file that lacks one would be
    /// taken for one without a header, and its names for a row.
    /// </summary>
    public static bool IsHeader(IReadOnlyList<string> fields) =>
        fields.Select(static field => field.Trim()).Where(static name => KnownNames.Contains(name) || IsNegative(name)).Distinct(StringComparer.OrdinalIgnoreCase).Skip(1).Any();

    /// <summary>The positions of anchor, positive and negatives, or null when no known pair of names is there.</summary>
    public static IReadOnlyList<int>? Texts(IReadOnlyList<string> names)
    {
        foreach ((string first, string second) in TextPairs)
        {
            int anchor = Find(names, first);
            int positive = Find(names, second);
            if (anchor >= 0 && positive >= 0)
            {
                return [anchor, positive, .. Negatives(names)];
            }
        }

        return null;
    }

    /// <summary>The position of the label, or -1.</summary>
    public static int Label(IReadOnlyList<string> names) => FindAny(names, LabelNames);

    /// <summary>Whether a column's name says that it holds labels, which may be classes; a score's doesn't.</summary>
    public static bool IsLabelName(string name) => LabelNames.Contains(name.Trim(), StringComparer.OrdinalIgnoreCase);

    /// <summary>The position of the score, or -1.</summary>
    public static int Score(IReadOnlyList<string> names) => FindAny(names, ScoreNames);

    /// <summary>The positions of the two sentences and the score of an STS file, or null.</summary>
    public static IReadOnlyList<int>? Sts(IReadOnlyList<string> names)
    {
        int score = FindAny(names, ScoreNames);
        return score >= 0 && Texts(names) is [int first, int second, ..] ? [first, second, score] : null;
    }

    /// <summary>Whether a column's name says that it is no anchor and no positive: it is a negative, a label or a score.</summary>
    public static bool IsOfNoPair(string name) =>
        IsNegative(name.Trim()) || LabelNames.Concat(ScoreNames).Contains(name.Trim(), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a field of a file without a header line can only be a label or a score.</summary>
    public static bool IsLabel(string field) =>
        NliLabels.Contains(field.Trim()) || double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    /// <summary>What the columns of a file without a header line are called.</summary>
    public static IReadOnlyList<string> DefaultNames(int columns) =>
        [.. Enumerable.Range(0, columns).Select(i => i switch
        {
            0 => "anchor",
            1 => "positive",
            2 when columns == 3 => "negative",
            _ => FormattableString.Invariant($"negative_{i - 1}"),
        })];

    /// <summary>The position of a name, or -1.</summary>
    public static int Find(IReadOnlyList<string> names, string name)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i].Trim().Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>negative, negative_1, negative_2 and so on (neg and hard_neg too), by number.</summary>
    private static IEnumerable<int> Negatives(IReadOnlyList<string> names) =>
        from position in Enumerable.Range(0, names.Count)
        let match = NegativeName().Match(names[position].Trim())
        where match.Success
        orderby match.Groups[1].Length, match.Groups[1].Value
        select position;

    private static bool IsNegative(string name) => NegativeName().IsMatch(name);

    private static int FindAny(IReadOnlyList<string> names, string[] known) =>
        known.Select(name => Find(names, name)).FirstOrDefault(position => position >= 0, -1);

    [GeneratedRegex(@"\A(?:negative|neg|hard_neg|hard_negative)_?([0-9]*)\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NegativeName();
}
