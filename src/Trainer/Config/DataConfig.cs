using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using MnrEngine.Hub;

namespace MnrEngine.Trainer.Config;

/// <summary>The rows to train on. What concerns reading is for all files, and a file may have its own.</summary>
[Shorthand("files")]
internal sealed record DataConfig
{
    [Description("The files, one after the other. Each may also be a pattern with * or a folder, whose train files are taken.")]
    [Elements(1)]
    public required IReadOnlyList<DataFileConfig> Files { get; init; }

    [Description("How the files are written; guessed from their names when left out.")]
    public FileFormat? Format { get; init; }

    [Description("The columns with the texts: anchor, positive, then any negatives, by name or by number from 0. Guessed when left out.")]
    [Elements(2)]
    public IReadOnlyList<string>? Columns { get; init; }

    [Description("The column with the label or score, by name or by number from 0. Guessed when left out.")]
    public string? LabelColumn { get; init; }

    [Description("The labels whose rows are kept, such as entailment (or 0); all when left out. Rows without a label are dropped in any case.")]
    [Elements(1)]
    public IReadOnlyList<string>? Labels { get; init; }

    [Description("What labels that are scores are divided by: 5 for STSb's 0 to 5.")]
    [TransformersName("score_scale")]
    [Range(0.0, 1e30, MinimumIsExclusive = true)]
    public double? LabelScale { get; init; }

    [Description("Whether the first line names the columns. Guessed when left out.")]
    public bool? HasHeader { get; init; }

    [Description("How many rows are used, from the first; null for all.")]
    [TransformersName("max_train_samples")]
    [Range(1, int.MaxValue)]
    public int? Limit { get; init; }

    [Description("A JSON file that fixes the batches of an epoch: an array of arrays of row numbers, counted from 0.")]
    [ConfigPath]
    public string? Batches { get; init; }
}

/// <summary>One file, with what it has of its own.</summary>
[Shorthand("path")]
internal sealed record DataFileConfig
{
    [Description("A .tsv, .csv or .jsonl file, also with .gz, or a .parquet file; or a pattern such as train-*.parquet; or a folder; or the id of a data set on the Hugging Face hub, such as sentence-transformers/all-nli.")]
    [TransformersName("file", "hub")]
    [ConfigPath(HubKind.Dataset)]
    public required string Path { get; init; }

    /// <summary>The split when none is named.</summary>
    public const string DefaultSplit = "train";

    [Description("The subset of a data set on the hub, which the datasets library calls its name or configuration. Left out, its default if it has one.")]
    [TransformersName("config_name", "dataset_config_name")]
    public string? Subset { get; init; }

    [Description("The split of a data set on the hub, or of a folder. Default train.")]
    public string? Split { get; init; }

    [Description("As model.revision, for a data set.")]
    public string? Revision { get; init; }

    [Description("As data.format, for this file.")]
    public FileFormat? Format { get; init; }

    [Description("As data.columns, for this file.")]
    [Elements(2)]
    public IReadOnlyList<string>? Columns { get; init; }

    [Description("As data.label_column, for this file.")]
    public string? LabelColumn { get; init; }

    [Description("As data.labels, for this file.")]
    [Elements(1)]
    public IReadOnlyList<string>? Labels { get; init; }

    [Description("As data.has_header, for this file.")]
    public bool? HasHeader { get; init; }
}

/// <summary>How a file with rows is written.</summary>
internal enum FileFormat
{
    [JsonStringEnumMemberName("tsv")]
    Tsv,
    [JsonStringEnumMemberName("csv")]
    Csv,
    [JsonStringEnumMemberName("jsonl")]
    JsonLines,
    [JsonStringEnumMemberName("parquet")]
    Parquet,
}
