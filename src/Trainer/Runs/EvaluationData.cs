using MnrEngine.Data;
using MnrEngine.Evaluation;
using MnrEngine.Models;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Runs;

/// <summary>The files of a config's evaluations, read before the model so that what is wrong with them shows first.</summary>
internal sealed class EvaluationData
{
    private readonly List<Func<SentenceEncoder, string, IEvaluator>> _evaluators = [];

    /// <summary>Reads the files.</summary>
    /// <param name="config">What it says.</param>
    /// <param name="log">Where it is shown that something is fetched from the hub.</param>
    /// <exception cref="InputException">A file is missing or wrong.</exception>
    public static EvaluationData Load(EvaluationConfig config, TextWriter log)
    {
        EvaluationData data = new();
        foreach (StsConfig sts in config.Sts)
        {
            StsDataset pairs = EvaluationRows.Load(sts, log);
            data._evaluators.Add((encoder, csv) => new StsEvaluator(sts.DisplayName, pairs, encoder, csv));
        }

        foreach (TripletsConfig triplets in config.Triplets)
        {
            TextDataset rows = EvaluationRows.Load(triplets, log);
            data._evaluators.Add((encoder, csv) => new TripletEvaluator(triplets.DisplayName, rows, encoder, Functions(triplets.SimilarityFnNames), triplets.Margin ?? 0, csv));
        }

        foreach (BinaryClassificationConfig binary in config.BinaryClassification)
        {
            TextDataset rows = EvaluationRows.Load(binary, log);
            data._evaluators.Add((encoder, csv) => new BinaryClassificationEvaluator(binary.DisplayName, rows, encoder, Functions(binary.SimilarityFnNames), csv));
        }

        foreach (InformationRetrievalConfig retrieval in config.InformationRetrieval)
        {
            RetrievalDataset set = EvaluationRows.Load(retrieval, log);
            data._evaluators.Add((encoder, csv) => new InformationRetrievalEvaluator(
                retrieval.DisplayName, set, encoder, Options(retrieval), Functions(retrieval.SimilarityFnNames), csv));
        }

        return data;
    }

    /// <summary>The evaluators of a model.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="csvFolder">Where they write their CSV files.</param>
    public IEvaluator[] Evaluators(SentenceEncoder encoder, string csvFolder) => [.. _evaluators.Select(create => create(encoder, csvFolder))];

    /// <summary>Finds the figure that tells which evaluation is best.</summary>
    /// <param name="metric">The config's metric_for_best_model, also with sentence-transformers' prefix eval_; null for the first evaluator's primary one.</param>
    /// <param name="evaluators">The evaluators.</param>
    /// <exception cref="InputException">No evaluator gives it.</exception>
    public static string? BestMetric(string? metric, IReadOnlyList<IEvaluator> evaluators)
    {
        const string TrainerPrefix = "eval_";
        string[] known = [.. evaluators.SelectMany(static evaluator => evaluator.Metrics)];
        if (metric is null || known.Contains(metric))
        {
            return metric;
        }

        return metric.StartsWith(TrainerPrefix, StringComparison.Ordinal) && known.Contains(metric[TrainerPrefix.Length..])
            ? metric[TrainerPrefix.Length..]
            : throw new InputException($"evaluation.metric_for_best_model is {metric}, but the evaluations give {string.Join(", ", known)}");
    }

    private static IReadOnlyList<MnrEngine.Evaluation.SimilarityFunction>? Functions(IReadOnlyList<EvaluationSimilarity>? names) =>
        names is null ? null : [.. names.Distinct().Select(static name => Enum.Parse<MnrEngine.Evaluation.SimilarityFunction>(name.ToString()))];

    private static RetrievalOptions Options(InformationRetrievalConfig config)
    {
        RetrievalOptions defaults = new();
        return new RetrievalOptions
        {
            AccuracyAtK = config.AccuracyAtK ?? defaults.AccuracyAtK,
            PrecisionRecallAtK = config.PrecisionRecallAtK ?? defaults.PrecisionRecallAtK,
            MrrAtK = config.MrrAtK ?? defaults.MrrAtK,
            NdcgAtK = config.NdcgAtK ?? defaults.NdcgAtK,
            MapAtK = config.MapAtK ?? defaults.MapAtK,
        };
    }
}
