using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace MnrEngine.Trainer.Config;

/// <summary>A file of triplets to evaluate with: sentence-transformers' TripletEvaluator.</summary>
[Shorthand("path")]
internal sealed record TripletsConfig
{
    [Description("A data file as for training.")]
    [TransformersName("file")]
    [ConfigPath]
    public required string Path { get; init; }

    [Description("What the figures are named after; the file's name when left out.")]
    public string? Name { get; init; }

    /// <summary>The name, or what follows from the file's.</summary>
    [JsonIgnore]
    public string DisplayName => Name ?? System.IO.Path.GetFileName(Path).Split('.')[0];

    [Description("How the file is written; guessed from its name when left out.")]
    public FileFormat? Format { get; init; }

    [Description("The columns with anchor, positive and negative, by name or by number from 0. Guessed when left out.")]
    [Elements(3, 3)]
    public IReadOnlyList<string>? Columns { get; init; }

    [Description("Whether the first line names the columns. Guessed when left out.")]
    public bool? HasHeader { get; init; }

    [Description("By how much the positive has to be more similar than the negative. Default 0.")]
    [Range(0.0, 1e30)]
    public double? Margin { get; init; }

    [Description("How embeddings are compared, each with its own figures; the model's own similarity when left out.")]
    [Elements(1, 4)]
    public IReadOnlyList<EvaluationSimilarity>? SimilarityFnNames { get; init; }
}

/// <summary>A file of pairs labelled 1 or 0 to evaluate with: sentence-transformers' BinaryClassificationEvaluator.</summary>
[Shorthand("path")]
internal sealed record BinaryClassificationConfig
{
    [Description("A data file as for training, whose labels are 1 for similar texts and 0 for dissimilar ones.")]
    [TransformersName("file")]
    [ConfigPath]
    public required string Path { get; init; }

    [Description("What the figures are named after; the file's name when left out.")]
    public string? Name { get; init; }

    /// <summary>The name, or what follows from the file's.</summary>
    [JsonIgnore]
    public string DisplayName => Name ?? System.IO.Path.GetFileName(Path).Split('.')[0];

    [Description("How the file is written; guessed from its name when left out.")]
    public FileFormat? Format { get; init; }

    [Description("The two columns with the texts, by name or by number from 0. Guessed when left out.")]
    [Elements(2, 2)]
    public IReadOnlyList<string>? Columns { get; init; }

    [Description("The column with the label, by name or by number from 0. Guessed when left out.")]
    public string? LabelColumn { get; init; }

    [Description("Whether the first line names the columns. Guessed when left out.")]
    public bool? HasHeader { get; init; }

    [Description("How embeddings are compared, each with its own figures; the model's own similarity when left out.")]
    [Elements(1, 4)]
    public IReadOnlyList<EvaluationSimilarity>? SimilarityFnNames { get; init; }
}

/// <summary>Queries, documents and what is relevant to what: sentence-transformers' InformationRetrievalEvaluator.</summary>
internal sealed record InformationRetrievalConfig
{
    [Description("A file with the columns _id and text (or the like).")]
    [ConfigPath]
    public required string Queries { get; init; }

    [Description("A file with the columns _id, text and perhaps title, which is put before the text.")]
    [ConfigPath]
    public required string Corpus { get; init; }

    [Description("A file with the columns query-id, corpus-id and perhaps score; a score of 0 or less means not relevant.")]
    [TransformersName("qrels", "relevant")]
    [ConfigPath]
    public required string RelevantDocs { get; init; }

    [Description("What the figures are named after; the name of the file of relevant documents when left out.")]
    public string? Name { get; init; }

    /// <summary>The name, or what follows from the file's.</summary>
    [JsonIgnore]
    public string DisplayName => Name ?? System.IO.Path.GetFileName(RelevantDocs).Split('.')[0];

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

    [Description("How embeddings are compared, each with its own figures; the model's own similarity when left out.")]
    [Elements(1, 4)]
    public IReadOnlyList<EvaluationSimilarity>? SimilarityFnNames { get; init; }
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
