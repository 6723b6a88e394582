using System.Text.Json.Nodes;

namespace MnrEngine.Serialization;

/// <summary>A data set that a model was trained on.</summary>
/// <param name="Name">Its name, such as the file's.</param>
/// <param name="Rows">How many rows took part.</param>
/// <param name="Columns">The columns, in order: <c>anchor</c>, <c>positive</c>, <c>negative</c>, ...</param>
public sealed record CardDataset(string Name, long Rows, IReadOnlyList<string> Columns)
{
    /// <summary>A few rows, each with a text for every column.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Samples { get; init; } = [];

    /// <summary>Where the data comes from and under which licence, or null.</summary>
    public string? Source { get; init; }
}

/// <summary>The loss that a model was trained with.</summary>
/// <param name="Name">As sentence-transformers calls it: <c>MultipleNegativesRankingLoss</c>.</param>
/// <param name="Parameters">Its settings, such as <c>{"scale": 20}</c>.</param>
public sealed record CardLoss(string Name, JsonObject Parameters);

/// <summary>A score of the model.</summary>
/// <param name="Dataset">What it was measured on, such as <c>sts-dev</c>.</param>
/// <param name="Metric">What was measured, such as <c>spearman_cosine</c>.</param>
/// <param name="Before">Before the training, or null where it was not measured.</param>
/// <param name="After">After the training.</param>
public sealed record CardScore(string Dataset, string Metric, double? Before, double After);

/// <summary>
/// What is told about a model in its README.md: where it comes from, how it was trained, and how good it is. Only what is given is
/// written. The text begins with the metadata (YAML) by which the Hugging Face hub sorts models.
/// </summary>
public sealed record ModelCard
{
    /// <summary>What the training started from: a hub id (<c>bert-base-uncased</c>), which also goes into the metadata, or anything else; null for random weights.</summary>
    public string? BaseModel { get; init; }

    /// <summary>The language of the texts, such as <c>en</c>, or null.</summary>
    public string? Language { get; init; }

    /// <summary>The model's licence, such as <c>apache-2.0</c>, or null.</summary>
    public string? License { get; init; }

    /// <summary>The training data.</summary>
    public IReadOnlyList<CardDataset> Datasets { get; init; } = [];

    /// <summary>The loss, or null for a model that was not trained here.</summary>
    public CardLoss? Loss { get; init; }

    /// <summary>Every setting of the training that matters, by name, in the order in which they are to be listed.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Hyperparameters { get; init; } = [];

    /// <summary>The scores, the most important first.</summary>
    public IReadOnlyList<CardScore> Scores { get; init; } = [];

    /// <summary>How long the training took, or null.</summary>
    public TimeSpan? TrainingTime { get; init; }

    /// <summary>The text of README.md.</summary>
    /// <param name="description">The model that it is about.</param>
    public string ToMarkdown(EncoderDescription description) => new CardText(this, description).Write();
}
