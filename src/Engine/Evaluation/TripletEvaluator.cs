using MnrEngine.Data;
using MnrEngine.Models;
using MnrEngine.Text;

namespace MnrEngine.Evaluation;

/// <summary>
/// sentence-transformers' TripletEvaluator: the share of triplets whose anchor is more similar to the positive than to the negative.
/// </summary>
public sealed class TripletEvaluator : IEvaluator
{
    private readonly TokenizedTexts _anchors;
    private readonly TokenizedTexts _positives;
    private readonly TokenizedTexts _negatives;
    private readonly IReadOnlyList<SimilarityFunction> _functions;
    private readonly double _margin;
    private readonly string? _csvFolder;

    /// <summary>Prepares an evaluation.</summary>
    /// <param name="name">Its name; may be empty.</param>
    /// <param name="data">Anchors, positives and negatives; further columns are not used.</param>
    /// <param name="encoder">Gives the tokenizer, the maximum length and the prompts: anchors are queries, the others documents.</param>
    /// <param name="functions">The similarity functions; null for the model's own.</param>
    /// <param name="margin">By how much the positive has to be more similar.</param>
    /// <param name="csvFolder">The folder whose CSV file gets a line for each evaluation, or null for none.</param>
    /// <exception cref="InputException">The data has no negatives.</exception>
    public TripletEvaluator(
        string name, TextDataset data, SentenceEncoder encoder, IReadOnlyList<SimilarityFunction>? functions = null, double margin = 0, string? csvFolder = null)
    {
        CheckData(data);
        Name = name;
        _anchors = EvaluationTexts.Queries(encoder, data.Columns[0]);
        _positives = EvaluationTexts.Documents(encoder, data.Columns[1]);
        _negatives = EvaluationTexts.Documents(encoder, data.Columns[2]);
        _functions = functions ?? [EvaluationTexts.SimilarityOf(encoder)];
        _margin = margin;
        _csvFolder = csvFolder;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Metrics => [.. Figures(_functions.Select(static _ => 0.0)).Values.Keys];

    /// <summary>Checks that a data set has triplets.</summary>
    /// <exception cref="InputException">It has no negatives.</exception>
    public static void CheckData(TextDataset data)
    {
        if (data.Columns.Count < 3)
        {
            string file = data.Files.Count > 0 ? data.Files[0].Path : "the data";
            throw new InputException($"a triplet needs an anchor, a positive and a negative, but {file} has only {data.Columns.Count} columns of texts ({ColumnList.Of(data.ColumnNames)})");
        }
    }

    /// <inheritdoc/>
    public EvaluationFigures Evaluate(IEmbedder embedder, EvaluationMoment? moment)
    {
        float[] anchors = embedder.Embed(_anchors);
        float[] positives = embedder.Embed(_positives);
        float[] negatives = embedder.Embed(_negatives);
        double[] accuracies = [.. _functions.Select(function => Accuracy(
            PairSimilarities.OfRows(anchors, positives, embedder.Dimension, function), PairSimilarities.OfRows(anchors, negatives, embedder.Dimension, function), _margin))];
        if (_csvFolder is not null)
        {
            EvaluationCsv.Append(
                Path.Combine(_csvFolder, EvaluationCsv.FileName("triplet_evaluation", Name)), moment,
                [.. _functions.Zip(accuracies, static (function, accuracy) => KeyValuePair.Create($"accuracy_{SimilarityScores.NameOf(function)}", accuracy))], EvaluationCsv.CsvModule);
        }

        return Figures(accuracies);
    }

    /// <summary>The share of triplets whose positive is more similar than the negative by more than a margin.</summary>
    internal static double Accuracy(ReadOnlySpan<float> positives, ReadOnlySpan<float> negatives, double margin)
    {
        int right = 0;
        for (int i = 0; i < positives.Length; i++)
        {
            right += positives[i] > negatives[i] + margin ? 1 : 0;
        }

        return (double)right / positives.Length;
    }

    private EvaluationFigures Figures(IEnumerable<double> accuracies)
    {
        string prefix = EvaluationTexts.Prefix(Name);
        Dictionary<string, double> values = _functions.Zip(accuracies).ToDictionary(pair => $"{prefix}{SimilarityScores.NameOf(pair.First)}_accuracy", static pair => pair.Second);
        string primary = values.Keys.First();
        if (_functions.Count > 1)
        {
            primary = $"{prefix}max_accuracy";
            values.Add(primary, values.Values.Max());
        }

        return new EvaluationFigures(primary, values);
    }
}
