using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace MnrEngine.Trainer.Config;

/// <summary>How and when the model is judged.</summary>
internal sealed record EvaluationConfig
{
    [Description("Files of sentence pairs with a similarity score, such as STSb. Their correlation with the model's similarities is reported.")]
    public required IReadOnlyList<StsConfig> Sts { get; init; }

    [Description("Files of triplets. The share whose anchor is more similar to the positive than to the negative is reported.")]
    public required IReadOnlyList<TripletsConfig> Triplets { get; init; }

    [Description("Files of pairs labelled 1 (similar) or 0. Accuracy, F1, precision and recall at the best thresholds, and average precision are reported.")]
    public required IReadOnlyList<BinaryClassificationConfig> BinaryClassification { get; init; }

    [Description("Queries, documents and what is relevant to what. Accuracy, precision, recall, MRR, NDCG and MAP at some ranks are reported.")]
    public required IReadOnlyList<InformationRetrievalConfig> InformationRetrieval { get; init; }

    [Description("Steps between two evaluations; null for none on the way.")]
    [TransformersName("eval_steps")]
    [Range(1, int.MaxValue)]
    public required int? EverySteps { get; init; }

    [Description("Whether to evaluate before the first step.")]
    [TransformersName("eval_on_start")]
    public required bool AtStart { get; init; }

    [Description("Whether to evaluate after the last step.")]
    public required bool AtEnd { get; init; }

    [Description("Whether the weights of the best evaluation are saved, by metric_for_best_model, instead of the last ones.")]
    [TransformersName("load_best_model_at_end", "save_best_model")]
    public required bool KeepBest { get; init; }

    [Description("The figure that tells which evaluation is best, such as sts-dev_spearman_cosine; null for the main figure of the first evaluation.")]
    public required string? MetricForBestModel { get; init; }

    /// <summary>The names of all evaluations, in their order.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Names =>
        [.. ((IEnumerable<EvaluatorConfig>)[.. Sts, .. Triplets, .. BinaryClassification, .. InformationRetrieval]).Select(static e => e.DisplayName)];
}

/// <summary>When a run can be resumed from.</summary>
internal sealed record CheckpointConfig
{
    [Description("Steps between two checkpoints; null for none but the one of an interrupted run.")]
    [TransformersName("save_steps", "checkpoint_save_steps")]
    [Range(1, int.MaxValue)]
    public required int? EverySteps { get; init; }

    [Description("How many checkpoints are kept.")]
    [TransformersName("save_total_limit", "checkpoint_save_total_limit")]
    [Range(1, int.MaxValue)]
    public required int Keep { get; init; }
}
