using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using MnrEngine.Hub;
using MnrEngine.Trainer.Runs;

namespace MnrEngine.Trainer.Config;

/// <summary>What every evaluation has.</summary>
internal abstract record EvaluatorConfig
{
    /// <summary>The description of a key that several evaluations have.</summary>
    protected const string SimilarityFnNamesAre = "How embeddings are compared, each with its own figures; the model's own similarity when left out.";

    [Description("What the figures are named after; the name of the file or data set when left out.")]
    [JsonPropertyOrder(-9)]
    public string? Name { get; init; }

    /// <summary>The name, or what follows from the file's.</summary>
    [JsonIgnore]
    public string DisplayName => Name ?? HubFiles.DatasetName(NamingPath).Split('/')[^1].Split('.')[0];

    /// <summary>The file or data set that gives the name.</summary>
    protected abstract string NamingPath { get; }
}

/// <summary>What an evaluation on the rows of one file or data set has.</summary>
internal abstract record RowEvaluatorConfig : EvaluatorConfig
{
    /// <summary>The split when none is named.</summary>
    public const string DefaultSplit = "validation";

    /// <summary>The file or data set.</summary>
    public abstract string Path { get; init; }

    [Description("As data.files[].subset.")]
    [JsonPropertyOrder(-8)]
    public string? Subset { get; init; }

    [Description("The split of a data set on the hub, or of a folder. Default validation.")]
    [JsonPropertyOrder(-7)]
    public string? Split { get; init; }

    [Description("As model.revision, for a data set.")]
    [JsonPropertyOrder(-6)]
    public string? Revision { get; init; }

    [Description("How the file is written; guessed from its name when left out.")]
    [JsonPropertyOrder(-5)]
    public FileFormat? Format { get; init; }

    [Description("Whether the first line names the columns. Guessed when left out.")]
    [JsonPropertyOrder(-4)]
    public bool? HasHeader { get; init; }

    /// <inheritdoc/>
    protected override string NamingPath => Path;
}

/// <summary>A file of scored sentence pairs: sentence-transformers' EmbeddingSimilarityEvaluator.</summary>
[Shorthand("path")]
internal sealed record StsConfig : RowEvaluatorConfig
{
    [Description("A .csv, .tsv or .jsonl file, also with .gz, or a .parquet file; or the id of a data set on the Hugging Face hub, such as sentence-transformers/stsb.")]
    [TransformersName("file", "hub")]
    [ConfigPath(HubKind.Dataset)]
    [JsonPropertyOrder(-10)]
    public override required string Path { get; init; }

    [Description("The two columns with the sentences and the one with the score, by name or by number from 0. Guessed when left out.")]
    [Elements(3, 3)]
    public IReadOnlyList<string>? Columns { get; init; }

    [Description("The highest score that there can be; a higher one is an error. Default 5, as in STSb. Correlations don't depend on it.")]
    [Range(0.0, 1e30, MinimumIsExclusive = true)]
    public double? ScoreScale { get; init; }
}

/// <summary>A file of triplets to evaluate with: sentence-transformers' TripletEvaluator.</summary>
[Shorthand("path")]
internal sealed record TripletsConfig : RowEvaluatorConfig
{
    [Description("A data file as for training, or the id of a data set on the Hugging Face hub, such as sentence-transformers/all-nli:triplet.")]
    [TransformersName("file", "hub")]
    [ConfigPath(HubKind.Dataset)]
    [JsonPropertyOrder(-10)]
    public override required string Path { get; init; }

    [Description("The columns with anchor, positive and negative, by name or by number from 0. Guessed when left out.")]
    [Elements(3, 3)]
    public IReadOnlyList<string>? Columns { get; init; }

    [Description("By how much the positive has to be more similar than the negative. Default 0.")]
    [Range(0.0, 1e30)]
    public double? Margin { get; init; }

    [Description(SimilarityFnNamesAre)]
    [Elements(1, 4)]
    public IReadOnlyList<EvaluationSimilarity>? SimilarityFnNames { get; init; }
}

/// <summary>A file of pairs labelled 1 or 0 to evaluate with: sentence-transformers' BinaryClassificationEvaluator.</summary>
[Shorthand("path")]
internal sealed record BinaryClassificationConfig : RowEvaluatorConfig
{
    [Description("A data file as for training, or the id of a data set on the Hugging Face hub, whose labels are 1 for similar texts and 0 for dissimilar ones.")]
    [TransformersName("file", "hub")]
    [ConfigPath(HubKind.Dataset)]
    [JsonPropertyOrder(-10)]
    public override required string Path { get; init; }

    [Description("The two columns with the texts, by name or by number from 0. Guessed when left out.")]
    [Elements(2, 2)]
    public IReadOnlyList<string>? Columns { get; init; }

    [Description("The column with the label, by name or by number from 0. Guessed when left out.")]
    public string? LabelColumn { get; init; }

    [Description(SimilarityFnNamesAre)]
    [Elements(1, 4)]
    public IReadOnlyList<EvaluationSimilarity>? SimilarityFnNames { get; init; }
}

/// <summary>Queries, documents and what is relevant to what: sentence-transformers' InformationRetrievalEvaluator.</summary>
internal sealed record InformationRetrievalConfig : EvaluatorConfig
{
    [Description("A file with the columns _id and text (or the like), or the id of such a data set on the Hugging Face hub, such as mteb/scifact:queries. Its split is queries unless the id names one.")]
    [ConfigPath(HubKind.Dataset)]
    [JsonPropertyOrder(-12)]
    public required string Queries { get; init; }

    [Description("A file with the columns _id, text and perhaps title, which is put before the text, or the id of such a data set, such as mteb/scifact:corpus. Its split is corpus unless the id names one.")]
    [ConfigPath(HubKind.Dataset)]
    [JsonPropertyOrder(-11)]
    public required string Corpus { get; init; }

    [Description("A file with the columns query-id, corpus-id and perhaps score, or the id of such a data set, such as mteb/scifact. A score of 0 or less means not relevant. Its split is test unless the id names one.")]
    [TransformersName("qrels", "relevant")]
    [ConfigPath(HubKind.Dataset)]
    [JsonPropertyOrder(-10)]
    public required string RelevantDocs { get; init; }

    [Description("The ranks of accuracy@k. Default 1, 3, 5, 10.")]
    [Elements(1)]
    public IReadOnlyList<int>? AccuracyAtK { get; init; }

    [Description("The ranks of precision@k and recall@k. Default 1, 3, 5, 10.")]
    [Elements(1)]
    public IReadOnlyList<int>? PrecisionRecallAtK { get; init; }

    [Description("The ranks of mrr@k. Default 10.")]
    [Elements(1)]
    public IReadOnlyList<int>? MrrAtK { get; init; }

    [Description("The ranks of ndcg@k. Default 10.")]
    [Elements(1)]
    public IReadOnlyList<int>? NdcgAtK { get; init; }

    [Description("The ranks of map@k. Default 100.")]
    [Elements(1)]
    public IReadOnlyList<int>? MapAtK { get; init; }

    [Description(SimilarityFnNamesAre)]
    [Elements(1, 4)]
    public IReadOnlyList<EvaluationSimilarity>? SimilarityFnNames { get; init; }

    /// <inheritdoc/>
    protected override string NamingPath => RelevantDocs;
}

/// <summary>How embeddings are compared in evaluations, with sentence-transformers' names.</summary>
internal enum EvaluationSimilarity
{
    [JsonStringEnumMemberName("cosine")]
    Cosine,
    [JsonStringEnumMemberName("dot")]
    Dot,
    [JsonStringEnumMemberName("euclidean")]
    Euclidean,
    [JsonStringEnumMemberName("manhattan")]
    Manhattan,
}
