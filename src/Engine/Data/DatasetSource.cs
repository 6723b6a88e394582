namespace MnrEngine.Data;

/// <summary>One file of a data set, and how to read it. What is left null is guessed from the file.</summary>
/// <param name="Path">The file: .tsv, .txt (read as TSV), .csv, .jsonl, .ndjson or .json, each with or without .gz, or .parquet.</param>
public sealed record DatasetSource(string Path)
{
    /// <summary>The format, where the extension doesn't tell it.</summary>
    public DataFormat? Format { get; init; }

    /// <summary>
    /// The columns with the texts: anchor, positive, then any negatives. Each is a name from the header line (a key, for JSON lines) or
    /// a position counted from 0. When null: anchor and positive, premise and hypothesis, sentence1 and sentence2 and the like are
    /// recognised, and columns named negative or negative_n follow; without a header line, all columns but a label at the end.
    /// </summary>
    public IReadOnlyList<string>? Columns { get; init; }

    /// <summary>The column with the label, by name or position. When null: gold_label, label or labels, if there is one.</summary>
    public string? LabelColumn { get; init; }

    /// <summary>
    /// The labels to keep; null keeps all. SNLI's names and the hub's numbers for them mean the same: entailment is 0, neutral 1 and
    /// contradiction 2. Rows without a label (-1, "-", empty or null) are dropped in any case.
    /// </summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>What labels have to be; null for anything. A score is also looked for under the names score and similarity_score.</summary>
    public LabelRule? LabelRule { get; init; }

    /// <summary>Whether the first line names the columns; when null, it does if it has names that are known or asked for.</summary>
    public bool? HasHeader { get; init; }

    /// <summary>What divides columns, in place of TSV's tab or CSV's comma.</summary>
    public char? Delimiter { get; init; }
}
