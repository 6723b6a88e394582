using System.Globalization;
using MnrEngine.Data.Reading;

namespace MnrEngine.Data;

/// <summary>Sentence pairs with a gold similarity, to evaluate on: the STS benchmark and its like.</summary>
public sealed class StsDataset
{
    // STSb's highest score; that of the hub's data sets is 1.
    private const double DefaultHighest = 5;

    private static readonly string[] ByPosition = ["0", "1", "2"];

    /// <summary>Pairs already in memory.</summary>
    /// <exception cref="ArgumentException">The three lists differ in length.</exception>
    public StsDataset(IReadOnlyList<string> sentences1, IReadOnlyList<string> sentences2, IReadOnlyList<double> scores)
    {
        ArgumentNullException.ThrowIfNull(sentences1);
        ArgumentNullException.ThrowIfNull(sentences2);
        ArgumentNullException.ThrowIfNull(scores);
        if (sentences1.Count != sentences2.Count || sentences1.Count != scores.Count)
        {
            throw new ArgumentException($"{sentences1.Count} and {sentences2.Count} sentences with {scores.Count} scores", nameof(scores));
        }

        Sentences1 = sentences1;
        Sentences2 = sentences2;
        Scores = scores;
    }

    /// <summary>The first sentence of each pair.</summary>
    public IReadOnlyList<string> Sentences1 { get; }

    /// <summary>The second sentence of each pair.</summary>
    public IReadOnlyList<string> Sentences2 { get; }

    /// <summary>The gold similarity of each pair, already divided by the scale.</summary>
    public IReadOnlyList<double> Scores { get; }

    /// <summary>The number of pairs.</summary>
    public int Count => Scores.Count;

    /// <summary>Reads pairs from a file. Blank lines are passed over.</summary>
    /// <param name="source">
    /// The file; its columns are the two sentences and the score, by name or position. When they are null: sentence1, sentence2 and
    /// score (or the like) by a header's names, those of the STS benchmark's own form, and without a header line the first three columns. Labels
    /// are not used.
    /// </param>
    /// <param name="scale">
    /// The highest score that there can be, by which all are divided: 5 for STSb's 0 to 5. Correlations don't depend on it. When null, 5 is the highest and
    /// scores stay as they are.
    /// </param>
    /// <exception cref="InputException">
    /// The file can't be read or is malformed, a score is no number from 0 to the highest, or there are fewer than two pairs.
    /// </exception>
    public static StsDataset Load(DatasetSource source, double? scale = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (scale is not null && (!(scale > 0) || !double.IsFinite(scale.Value)))
        {
            throw new InputException(FormattableString.Invariant($"the scale of the scores in {source.Path} is {scale}, but must be a positive number"));
        }

        if (source.Columns is { Count: not 3 })
        {
            throw new InputException($"{source.Columns.Count} columns of {source.Path} are named, but an STS file needs 3: two sentences and a score");
        }

        source = StsBenchmark.Recognize(source, () => DataFile.Open(source.Path));
        using TableReader table = TableReader.Open(source, HeaderTest(source));
        table.Bind(ChooseColumns(table, source), texts: 2);
        List<string> sentences1 = [], sentences2 = [];
        List<double> scores = [];
        TextPool pool = new();
        while (table.Read())
        {
            if (!table.IsBlankLine)
            {
                sentences1.Add(pool.Intern(table.Field(0)));
                sentences2.Add(pool.Intern(table.Field(1)));
                scores.Add(Score(table, scale ?? DefaultHighest) / (scale ?? 1));
            }
        }

        if (scores.Count < 2)
        {
            throw new InputException($"{source.Path} has {scores.Count} {(scores.Count == 1 ? "pair" : "pairs")}, but a correlation needs at least 2");
        }

        return new StsDataset(sentences1, sentences2, scores);
    }

    /// <summary>Whether a first line is a header for this source.</summary>
    internal static Func<IReadOnlyList<string>, bool> HeaderTest(DatasetSource source) =>
        fields => ColumnChoice.UsesNames(source.Columns ?? []) || ColumnGuess.IsHeader(fields);

    /// <summary>The positions of the two sentences and the score.</summary>
    internal static IReadOnlyList<int> ChooseColumns(TableReader table, DatasetSource source)
    {
        if (source.Columns is null && table.Names is not null)
        {
            return ColumnGuess.Sts(table.Names)
                ?? throw new InputException($"the sentences and score of {table.Path} can't be guessed from {ColumnList.Of(table.Names)}: name the columns");
        }

        return [.. (source.Columns ?? ByPosition).Select(column => ColumnChoice.Find(table, column))];
    }

    private static double Score(TableReader table, double highest)
    {
        ReadOnlySpan<char> field = table.Field(2);
        if (!double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double score) || !double.IsFinite(score))
        {
            throw table.ErrorAt(table.Line, $"the score is '{field}', but must be a number");
        }

        return score >= 0 && score <= highest ? score
            : throw table.ErrorAt(table.Line, string.Create(
                CultureInfo.InvariantCulture, $"the score is {field.Trim()}, but has to be from 0 to {highest}; where scores go higher, score_scale (--score-scale) names the highest"));
    }
}
