using System.Diagnostics;
using System.Globalization;
using MnrEngine.Data;
using MnrEngine.Evaluation;
using MnrEngine.Text;
using MnrEngine.Trainer.Runs;

namespace MnrEngine.Trainer.Comparisons;

/// <summary>A model to compare: its name in the comparison, and its folder or hub id.</summary>
internal sealed record NamedModel(string Label, string Model)
{
    // What a run calls the folders of its models, which say nothing without the run's own.
    private static readonly string[] FoldersOfARun = ["model", "best"];

    /// <summary>Reads <c>MODEL</c> or <c>LABEL=MODEL</c>.</summary>
    /// <exception cref="InputException">There is nothing on one side of the sign.</exception>
    public static NamedModel Parse(string text)
    {
        int sign = text.IndexOf('=');
        if (sign < 0 || Directory.Exists(text))
        {
            return new NamedModel(LabelOf(text), text);
        }

        NamedModel named = new(text[..sign].Trim(), text[(sign + 1)..].Trim());
        return named.Label.Length > 0 && named.Model.Length > 0 ? named : throw new InputException($"the model {text} is neither MODEL nor LABEL=MODEL");
    }

    private static string LabelOf(string model)
    {
        string[] parts = model.Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 0 ? model
            : parts.Length > 1 && FoldersOfARun.Contains(parts[^1]) ? parts[^2]
            : parts[^1];
    }
}

/// <summary>Scores models on the same sentence pairs.</summary>
internal static class ModelComparison
{
    // The first sentences compile the code and touch the memory; they are not timed.
    private const int WarmupSentences = 64;

    /// <summary>Scores each model.</summary>
    /// <param name="models">The models, one or more.</param>
    /// <param name="dataSet">The name of the pairs.</param>
    /// <param name="pairs">The pairs.</param>
    /// <param name="options">How to run the models.</param>
    /// <exception cref="InputException">A model cannot be loaded.</exception>
    public static Comparison Run(IReadOnlyList<NamedModel> models, string dataSet, StsDataset pairs, EncoderOptions options)
    {
        string device = "";
        List<ModelScores> scores = [];
        foreach (NamedModel model in models)
        {
            using LoadedEncoder encoder = LoadedEncoder.Open(model.Model, options);
            device = encoder.DeviceDescription;
            scores.Add(Score(model, encoder, pairs));
        }

        return new Comparison(dataSet, pairs.Count, device, [.. Notes(pairs, scores)], [.. scores.OrderByDescending(static model => model.SpearmanCosine)]);
    }

    /// <summary>Why a correlation is none.</summary>
    private static IEnumerable<string> Notes(StsDataset pairs, IReadOnlyList<ModelScores> scores)
    {
        if (pairs.Scores.Distinct().Count() == 1)
        {
            return [string.Create(CultureInfo.InvariantCulture, $"All pairs have the same score, {pairs.Scores[0]}, so that nothing correlates with it.")];
        }

        return scores.Where(static model => model.SpearmanCosine is null).Select(static model => $"{model.Label} gives all pairs the same cosine similarity, so that it has no correlation.");
    }

    private static double? Finite(double figure) => double.IsFinite(figure) ? figure : null;

    private static ModelScores Score(NamedModel model, LoadedEncoder encoder, StsDataset pairs)
    {
        string[] sentences = [.. pairs.Sentences1, .. pairs.Sentences2];
        TokenizedTexts tokens = encoder.Tokenize(sentences);
        encoder.Embed(encoder.Tokenize([.. sentences.Take(WarmupSentences)]));
        long start = Stopwatch.GetTimestamp();
        float[] embeddings = encoder.Embed(tokens);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        int half = pairs.Count * encoder.Dimension;
        SimilarityScores scores = EmbeddingSimilarity.Evaluate(embeddings.AsSpan(0, half), embeddings.AsSpan(half), encoder.Dimension, [.. pairs.Scores]);
        return new ModelScores(
            model.Label, model.Model, Finite(scores.Cosine.Spearman), Finite(scores.SpearmanMax), Finite(scores.Cosine.Pearson), encoder.Encoder.Parameters.ParameterCount, encoder.Dimension,
            sentences.Length / seconds, tokens.TruncatedCount);
    }
}
