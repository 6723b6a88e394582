using System.Text.Json.Serialization;

namespace MnrEngine.Trainer.Comparisons;

/// <summary>What one model of a comparison scored.</summary>
/// <param name="Label">Its name in the comparison.</param>
/// <param name="Model">Its folder or hub id, as given.</param>
/// <param name="SpearmanCosine">Spearman's correlation of cosine similarities with people's scores; null where there is none, since all similarities or all scores are the same.</param>
/// <param name="SpearmanMax">The largest Spearman correlation of cosine, dot product, Euclidean and Manhattan: what sentence-transformers up to 2.7 returned.</param>
/// <param name="PearsonCosine">Pearson's correlation of cosine similarities.</param>
/// <param name="Parameters">The number of its parameters, a pooler that it has and does not use included.</param>
/// <param name="Dimension">The width of an embedding.</param>
/// <param name="SentencesPerSecond">Sentences embedded in a second; tokenising is not part of it.</param>
/// <param name="TruncatedSentences">Sentences that were cut at the model's maximum length.</param>
internal sealed record ModelScores(
    string Label, string Model, double? SpearmanCosine, double? SpearmanMax, double? PearsonCosine, long Parameters, int Dimension, double SentencesPerSecond, int TruncatedSentences);

/// <summary>Models beside each other, the best first.</summary>
/// <param name="DataSet">The name of the sentence pairs.</param>
/// <param name="Pairs">How many they are.</param>
/// <param name="Device">What it ran on.</param>
/// <param name="Notes">What there is to say about the figures, a sentence each.</param>
/// <param name="Models">The models, by <see cref="ModelScores.SpearmanCosine"/> from the highest down.</param>
internal sealed record Comparison(string DataSet, int Pairs, string Device, IReadOnlyList<string> Notes, IReadOnlyList<ModelScores> Models)
{
    /// <summary>The columns of scores: their titles and figures, of which larger is better.</summary>
    public static IReadOnlyList<(string Title, Func<ModelScores, double?> Figure)> Scores { get; } =
    [
        ("Spearman", static model => model.SpearmanCosine),
        ("max of 4", static model => model.SpearmanMax),
        ("Pearson", static model => model.PearsonCosine),
    ];

    /// <summary>Whether a model has the highest figure of all; where none has one, nobody.</summary>
    public bool IsBest(ModelScores model, Func<ModelScores, double?> figure) =>
        figure(model) is not null && Models.All(other => !(figure(other) > figure(model)));
}

/// <summary>JSON of a comparison, generated so that it works without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(Comparison))]
internal sealed partial class ComparisonJson : JsonSerializerContext;
