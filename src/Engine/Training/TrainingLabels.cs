using System.Globalization;
using MnrEngine.Losses;

namespace MnrEngine.Training;

/// <summary>The labels of a data set's rows: classes or scores.</summary>
public sealed class TrainingLabels
{
    private readonly int[] _classes;
    private readonly float[] _scores;

    private TrainingLabels(LabelKind kind, int[] classes, float[] scores)
    {
        Kind = kind;
        _classes = classes;
        _scores = scores;
    }

    /// <summary>Classes or scores.</summary>
    public LabelKind Kind { get; }

    /// <summary>The number of rows.</summary>
    public int Count => Math.Max(_classes.Length, _scores.Length);

    /// <summary>One more than the largest class, which is below the largest int; 0 for scores.</summary>
    public int Classes => _classes.Length == 0 ? 0 : _classes.Max() + 1;

    /// <summary>The smallest class below the largest that no row has, or null when there is no such gap.</summary>
    public int? MissingClass
    {
        get
        {
            int expected = 0;
            foreach (int found in _classes.Distinct().Order())
            {
                if (found != expected)
                {
                    return expected;
                }

                expected++;
            }

            return null;
        }
    }

    /// <summary>The class of each row.</summary>
    public ReadOnlySpan<int> ClassOfRow => _classes;

    /// <summary>The score of each row.</summary>
    public ReadOnlySpan<float> ScoreOfRow => _scores;

    /// <summary>Classes, numbered from 0.</summary>
    public static TrainingLabels OfClasses(IReadOnlyList<int> classes) => new(LabelKind.Class, [.. classes], []);

    /// <summary>Scores.</summary>
    public static TrainingLabels OfScores(IReadOnlyList<float> scores) => new(LabelKind.Score, [], [.. scores]);

    /// <summary>What labels mean as a file has them: <see cref="ClassOf"/> or <see cref="ScoreOf"/>.</summary>
    /// <param name="kind">Classes or scores.</param>
    /// <param name="labels">A text for each row, each of them a class or a number.</param>
    /// <param name="scale">What scores are divided by.</param>
    public static TrainingLabels Parse(LabelKind kind, IReadOnlyList<string> labels, double scale = 1) => kind == LabelKind.Class
        ? OfClasses([.. labels.Select(static label => ClassOf(label) ?? throw new InputException($"the label '{label}' is no class"))])
        : OfScores([.. labels.Select(label => (float)((ScoreOf(label) ?? throw new InputException($"the label '{label}' is no number")) / scale))]);

    /// <summary>The class that a label names: a whole number from 0, or one of SNLI's names, which the hub numbers entailment 0, neutral 1, contradiction 2.</summary>
    /// <returns>Null when it names none.</returns>
    public static int? ClassOf(string label) => label.Trim().ToLowerInvariant() switch
    {
        "entailment" => 0,
        "neutral" => 1,
        "contradiction" => 2,
        string number => double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= 0 && value < int.MaxValue && double.IsInteger(value)
            ? (int)value
            : null,
    };

    /// <summary>The number that a label is, or null when it is none.</summary>
    public static double? ScoreOf(string label) =>
        double.TryParse(label, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value : null;
}
