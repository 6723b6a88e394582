namespace MnrEngine.Data.Preparation;

/// <summary>What a prepared file holds.</summary>
public enum PreparedRows
{
    /// <summary>anchor, positive: of labelled rows, those that are entailments.</summary>
    Pairs,

    /// <summary>anchor, positive, negative: of labelled rows, what a text entails and what contradicts it.</summary>
    Triplets,

    /// <summary>premise, hypothesis, label: 0 for entailment, 1 for neutral, 2 for contradiction.</summary>
    Labelled,

    /// <summary>sentence1, sentence2, score from 0 to 1.</summary>
    Sts,
}

/// <summary>A data set to read.</summary>
/// <param name="Path">A file, a pattern, a folder or a zip file (see <see cref="DataFiles.Find"/>).</param>
/// <param name="Split">Its split, where it is not that of <see cref="PreparationOptions.Split"/>.</param>
public sealed record PreparationInput(string Path, string? Split = null)
{
    /// <summary>A path alone.</summary>
    public static implicit operator PreparationInput(string path) => new(path);

    /// <summary>The path.</summary>
    public override string ToString() => Path;
}

/// <summary>What to make of which data sets.</summary>
public sealed record PreparationOptions
{
    /// <summary>The data sets, one after the other.</summary>
    public required IReadOnlyList<PreparationInput> Inputs { get; init; }

    /// <summary>The file to write: .tsv, .csv or .jsonl, each also with .gz, or .parquet. Replaced when it exists, and only by a whole one.</summary>
    public required string Output { get; init; }

    /// <summary>What it holds.</summary>
    public required PreparedRows Rows { get; init; }

    /// <summary>
    /// For triplets of labelled rows: whether each row counts in both directions, as in sentence-transformers' training_nli_v2: then what is entailed
    /// is an anchor too, and each anchor gives two triplets. Otherwise only premises are anchors, and each gives one.
    /// </summary>
    public bool BothDirections { get; init; } = true;

    /// <summary>Seeds the choice among several entailments or contradictions, and that of the sample.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>
    /// Which split of folders, zip files and files with a split column is read: train, dev (or validation) or test, perhaps with more behind it, such as
    /// validation_matched.
    /// </summary>
    public string Split { get; init; } = "train";

    /// <summary>Whether rows that were written before are left out; they are counted in any case.</summary>
    public bool DropDuplicates { get; init; }

    /// <summary>The columns with the texts, and for STS the score, by name or position; guessed when null.</summary>
    public IReadOnlyList<string>? Columns { get; init; }

    /// <summary>How the inputs are written; told from their names when null.</summary>
    public DataFormat? Format { get; init; }

    /// <summary>The column with the label, by name or position; guessed when null.</summary>
    public string? LabelColumn { get; init; }

    /// <summary>What STS scores are divided by; when null, 5 for a data set with a score above 1, and 1 for others.</summary>
    public double? ScoreScale { get; init; }

    /// <summary>How many of the written rows are given back as a sample.</summary>
    public int SampleRows { get; init; } = 20_000;
}

/// <summary>What became of the rows of one file.</summary>
/// <param name="name">The file; an entry of a zip file is called <c>FILE:ENTRY</c>.</param>
public sealed class SourceReport(string name)
{
    /// <summary>The file.</summary>
    public string Name => name;

    /// <summary>Rows read.</summary>
    public long Read { get; internal set; }

    /// <summary>Rows dropped because the line, or every text in it, is empty or white space.</summary>
    public long Blank { get; internal set; }

    /// <summary>Rows dropped because they have no label or score: annotators didn't agree, or it is held back.</summary>
    public long Unlabelled { get; internal set; }

    /// <summary>Rows dropped because their label is of no use for what is made.</summary>
    public long OtherLabel { get; internal set; }

    /// <summary>Rows dropped because their split column names another split.</summary>
    public long OtherSplit { get; internal set; }

    /// <summary>Rows left out because they equal one that was written before. Triplets that are made of labelled rows are of no single file and not among them.</summary>
    public long DroppedDuplicates { get; internal set; }

    /// <summary>Rows that are written, or that the triplets written are made of.</summary>
    public long Kept => Read - Blank - HalfBlank - Unlabelled - OtherLabel - OtherSplit - DroppedDuplicates;

    /// <summary>Rows dropped because one of their texts is empty or white space: of what is left no pair or triplet can be made.</summary>
    public long HalfBlank { get; internal set; }

    /// <summary>Labelled or scored rows kept although one of their texts is empty or white space.</summary>
    public long KeptHalfBlank { get; internal set; }

    /// <summary>What the scores of an STS file were divided by.</summary>
    public double? ScoreScale { get; internal set; }
}

/// <summary>What was read and written.</summary>
public sealed record PreparationReport
{
    /// <summary>The files read, in order.</summary>
    public required IReadOnlyList<SourceReport> Sources { get; init; }

    /// <summary>The columns of the file written.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>Rows written.</summary>
    public required long Written { get; init; }

    /// <summary>Rows that equal an earlier one in all columns; written all the same, unless they were to be dropped.</summary>
    public required long Duplicates { get; init; }

    /// <summary>Texts in which a tab or line break, which TSV can't hold, became a space.</summary>
    public required long Flattened { get; init; }

    /// <summary>For triplets of labelled rows: texts that have both an entailment and a contradiction.</summary>
    public long Anchors { get; init; }

    /// <summary>For triplets of labelled rows: texts that lack one of the two.</summary>
    public long TextsWithoutTriplet { get; init; }

    /// <summary>The texts of some of the rows written, drawn evenly and in their order: for each text column, a text a row.</summary>
    public required IReadOnlyList<IReadOnlyList<string>> Sample { get; init; }
}
