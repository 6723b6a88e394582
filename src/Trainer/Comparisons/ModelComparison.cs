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

    private static readonly StringComparer PathComparer = OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    /// <summary>
    /// Reads <c>MODEL</c> or <c>LABEL=MODEL</c>. A model is called as its folder is, or its id without the owner; several that would be called the same get as much of their
    /// paths as tells them apart.
    /// </summary>
    /// <exception cref="InputException">There is nothing on one side of a sign, a model is named twice without a label, or two have the same label.</exception>
    public static IReadOnlyList<NamedModel> ParseAll(IReadOnlyList<string> texts)
    {
        NamedModel[] models = [.. texts.Select(Parse)];
        bool[] isGiven = [.. models.Select((model, i) => model.Model != texts[i])];
        foreach (int[] same in Enumerable.Range(0, models.Length).Where(i => !isGiven[i]).GroupBy(i => models[i].Label).Select(static group => group.ToArray()).Where(static group => group.Length > 1))
        {
            string[][] paths = [.. same.Select(i => Parts(models[i].Model))];
            if (same.GroupBy(i => string.Join('/', Parts(models[i].Model)), PathComparer).FirstOrDefault(static twice => twice.Count() > 1) is IGrouping<string, int> twice)
            {
                throw new InputException($"the model {models[twice.First()].Model} is named twice: once is enough, or LABEL=MODEL tells the two apart");
            }

            // runs/a/model and runs/b/model are told apart by the runs, runs/a/model and runs/a/best by more than their last folders, which say too little.
            string[][] shorter = [.. paths.Select(static path => WithoutFolderOfARun(path))];
            bool byRuns = Different(shorter, int.MaxValue);
            paths = byRuns ? shorter : paths;
            int length = Enumerable.Range(byRuns ? 1 : 2, paths.Max(static path => path.Length)).First(count => Different(paths, count));
            for (int i = 0; i < same.Length; i++)
            {
                models[same[i]] = models[same[i]] with { Label = Tail(paths[i], length) };
            }
        }

        return models.GroupBy(static model => model.Label).FirstOrDefault(static group => group.Count() > 1) is IGrouping<string, NamedModel> alike
            ? throw new InputException($"two models are called {alike.Key}: LABEL=MODEL gives one of them another name")
            : models;
    }

    private static NamedModel Parse(string text)
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
        string[] parts = WithoutFolderOfARun(Split(model));
        return parts.Length == 0 ? model : parts[^1];
    }

    private static string[] Parts(string model) => Split(Directory.Exists(model) ? Path.GetFullPath(model) : model);

    private static string[] Split(string path) => path.Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries);

    private static string[] WithoutFolderOfARun(string[] path) => path.Length > 1 && FoldersOfARun.Contains(path[^1]) ? path[..^1] : path;

    private static bool Different(string[][] paths, int length) => paths.Select(path => Tail(path, length)).Distinct(PathComparer).Count() == paths.Length;

    private static string Tail(string[] path, int length) => string.Join('/', path[Math.Max(0, path.Length - length)..]);
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
