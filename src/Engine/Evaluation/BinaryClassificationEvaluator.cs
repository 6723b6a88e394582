using MnrEngine.Data;
using MnrEngine.Models;
using MnrEngine.Text;

namespace MnrEngine.Evaluation;

/// <summary>
/// sentence-transformers' BinaryClassificationEvaluator: how well a threshold on the similarity tells similar pairs from others.
/// </summary>
public sealed class BinaryClassificationEvaluator : IEvaluator
{
    private readonly TokenizedTexts _sentences1;
    private readonly TokenizedTexts _sentences2;
    private readonly bool[] _labels;
    private readonly IReadOnlyList<SimilarityFunction> _functions;
    private readonly string? _csvFolder;

    /// <summary>Prepares an evaluation.</summary>
    /// <param name="name">Its name; may be empty.</param>
    /// <param name="data">Two columns of sentences, and labels 0 and 1; see <see cref="Rule"/>.</param>
    /// <param name="encoder">Gives the tokenizer, the maximum length and the prompt.</param>
    /// <param name="functions">The similarity functions; null for the model's own.</param>
    /// <param name="csvFolder">The folder whose CSV file gets a line for each evaluation, or null for none.</param>
    /// <exception cref="InputException">The data has no labels, or labels other than 0 and 1.</exception>
    public BinaryClassificationEvaluator(
        string name, TextDataset data, SentenceEncoder encoder, IReadOnlyList<SimilarityFunction>? functions = null, string? csvFolder = null)
    {
        CheckData(data);
        Name = name;
        _sentences1 = encoder.TokenizeForEncoding(data.Columns[0]);
        _sentences2 = encoder.TokenizeForEncoding(data.Columns[1]);
        _labels = [.. data.Labels!.Select(static label => IsSimilar(label) ?? throw new InputException($"the label is '{label}', but has to be 0 or 1"))];
        _functions = functions ?? [EvaluationTexts.SimilarityOf(encoder)];
        _csvFolder = csvFolder;
    }

    /// <summary>What a label has to be: 1 for similar, 0 for dissimilar.</summary>
    public static LabelRule Rule { get; } = new(
        AreScores: true, static label => IsSimilar(label) is null ? $"the label is '{label}', but has to be 1 for similar texts or 0 for dissimilar ones" : null);

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Metrics => [.. Figures([.. _functions.Select(static _ => new BinaryClassification(0, 0, 0, 0, 0, 0, 0, 0))]).Values.Keys];

    /// <summary>Checks that a data set has labelled pairs of both kinds.</summary>
    /// <exception cref="InputException">It has not.</exception>
    public static void CheckData(TextDataset data)
    {
        string file = data.Files.Count > 0 ? data.Files[0].Path : "the data";
        if (data.Labels is null)
        {
            throw new InputException($"{file} has no label column, but pairs are to be told apart by their labels, 1 for similar and 0 for dissimilar");
        }

        if (data.Columns.Count < 2 || data.Labels.Select(IsSimilar).Distinct().Count() < 2)
        {
            throw new InputException($"{file} has to have pairs of texts of both kinds, labelled 1 and 0");
        }
    }

    /// <inheritdoc/>
    public EvaluationFigures Evaluate(IEmbedder embedder, EvaluationMoment? moment)
    {
        float[] first = embedder.Embed(_sentences1);
        float[] second = embedder.Embed(_sentences2);
        BinaryClassification[] results = [.. _functions.Select(function => Classify(PairSimilarities.OfRows(first, second, embedder.Dimension, function), function))];
        if (_csvFolder is not null)
        {
            EvaluationCsv.Append(
                Path.Combine(_csvFolder, EvaluationCsv.FileName("binary_classification_evaluation", Name)), moment,
                [.. _functions.Zip(results).SelectMany(static pair => pair.Second.CsvValues.Select(value => KeyValuePair.Create($"{SimilarityScores.NameOf(pair.First)}_{value.Key}", value.Value)))],
                EvaluationCsv.CsvModule);
        }

        return Figures(results);
    }

    private static bool? IsSimilar(string label) => Training.TrainingLabels.ScoreOf(label) switch
    {
        1 => true,
        0 => false,
        _ => null,
    };

    private BinaryClassification Classify(float[] similarities, SimilarityFunction function)
    {
        // Distances are judged, and their thresholds told, as distances.
        bool isDistance = function is SimilarityFunction.Euclidean or SimilarityFunction.Manhattan;
        return BinaryClassification.Of(isDistance ? Array.ConvertAll(similarities, static s => -s) : similarities, _labels, largerIsSimilar: !isDistance);
    }

    private EvaluationFigures Figures(BinaryClassification[] results)
    {
        string prefix = EvaluationTexts.Prefix(Name);
        Dictionary<string, double> values = [];
        foreach ((SimilarityFunction function, BinaryClassification result) in _functions.Zip(results))
        {
            foreach ((string key, double value) in result.Values)
            {
                values.Add($"{prefix}{SimilarityScores.NameOf(function)}_{key}", value);
            }
        }

        if (_functions.Count == 1)
        {
            return new EvaluationFigures($"{prefix}{SimilarityScores.NameOf(_functions[0])}_ap", values);
        }

        for (int i = 0; i < results[0].Values.Count; i++)
        {
            values.Add($"{prefix}max_{results[0].Values[i].Key}", results.Max(result => result.Values[i].Value));
        }

        return new EvaluationFigures($"{prefix}max_ap", values);
    }
}
