using System.Globalization;
using MnrEngine.Data.Reading;

namespace MnrEngine.Data;

/// <summary>What a row's label says about keeping it.</summary>
internal enum LabelVerdict
{
    /// <summary>The row is kept.</summary>
    Keep,

    /// <summary>The row has no label: annotators didn't agree.</summary>
    Unlabelled,

    /// <summary>The label isn't one of those to keep.</summary>
    Other,
}

/// <summary>Tells rows to keep by their labels. Names and numbers of the three NLI labels mean the same, as do 0 and 0.0.</summary>
internal sealed class LabelFilter(IReadOnlyList<string>? keep, LabelRule? rule, TextPool pool)
{
    private readonly HashSet<string>? _keep = keep is null ? null : [.. keep.Select(Canonical)];
    private readonly Dictionary<string, LabelVerdict> _judged = new(StringComparer.Ordinal);

    /// <summary>Judges a label; a file has few different ones, so each is worked out once.</summary>
    /// <param name="label">The label.</param>
    /// <param name="problem">What is wrong with a label that is met for the first time and would be kept, or null.</param>
    public LabelVerdict Judge(ReadOnlySpan<char> label, out string? problem)
    {
        problem = null;
        string known = pool.Intern(label);
        if (!_judged.TryGetValue(known, out LabelVerdict verdict))
        {
            string canonical = Canonical(known);
            verdict = canonical is "-" or "" || (canonical == "-1" && rule?.AreScores != true) ? LabelVerdict.Unlabelled
                : _keep is null || _keep.Contains(canonical) ? LabelVerdict.Keep
                : LabelVerdict.Other;
            problem = verdict == LabelVerdict.Keep ? rule?.Problem(known) : null;
            _judged.Add(known, verdict);
        }

        return verdict;
    }

    private static string Canonical(string label)
    {
        string trimmed = label.Trim();
        return trimmed.ToLowerInvariant() switch
        {
            "entailment" => "0",
            "neutral" => "1",
            "contradiction" => "2",
            string other => double.TryParse(trimmed, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                ? number.ToString(CultureInfo.InvariantCulture)
                : other,
        };
    }
}
