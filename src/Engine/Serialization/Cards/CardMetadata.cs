using System.Globalization;
using System.Text;

namespace MnrEngine.Serialization;

/// <summary>The metadata at the head of a model's README.md, as the Hugging Face hub reads it.</summary>
internal sealed class CardMetadata(ModelCard card)
{
    private readonly StringBuilder _yaml = new();

    /// <summary>
    /// Whether a model's name has the form of a hub id, NAME or OWNER/NAME. The hub refuses metadata in which base_model has another.
    /// </summary>
    public static bool IsHubId(string model)
    {
        string[] parts = model.Split('/');
        return parts.Length <= 2 && parts.All(part => part.Length > 0 && char.IsAsciiLetterOrDigit(part[0])
            && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'));
    }

    public string Write()
    {
        Scalar("language", card.Language);
        Scalar("license", card.License);
        Scalar("library_name", "sentence-transformers");
        Scalar("pipeline_tag", "sentence-similarity");
        Scalar("base_model", card.BaseModel is string model && IsHubId(model) ? model : null);
        List("tags", Tags());
        WriteWidget();
        List("metrics", card.Scores.Select(score => score.Metric).Distinct());
        WriteResults();
        return _yaml.ToString();
    }

    private List<string> Tags()
    {
        List<string> tags = ["sentence-transformers", "sentence-similarity", "feature-extraction", "dense"];
        if (card.Loss is CardLoss loss)
        {
            tags.Add("generated_from_trainer");
            tags.Add(string.Create(CultureInfo.InvariantCulture, $"dataset_size:{card.Datasets.Sum(dataset => dataset.Rows)}"));
            tags.Add($"loss:{loss.Name}");
        }

        return tags;
    }

    /// <summary>Sentences with which a visitor of the model's page may try it: a sample's first text against the texts of its row.</summary>
    private void WriteWidget()
    {
        List<IReadOnlyList<string>> samples = [.. card.Datasets.SelectMany(dataset => dataset.Samples).Where(sample => sample.Count > 1).Take(3)];
        if (samples.Count == 0)
        {
            return;
        }

        Line("widget:");
        foreach (IReadOnlyList<string> sample in samples)
        {
            Line($"- source_sentence: {YamlText.Scalar(sample[0])}");
            Line("  sentences:");
            foreach (string other in sample.Skip(1))
            {
                Line($"  - {YamlText.Scalar(other)}");
            }
        }
    }

    private void WriteResults()
    {
        if (card.Scores.Count == 0)
        {
            return;
        }

        Line("model-index:");
        Line($"- name: {YamlText.Scalar(card.BaseModel is null ? "Sentence encoder" : $"Sentence encoder based on {card.BaseModel}")}");
        Line("  results:");
        foreach (IGrouping<string, CardScore> dataset in card.Scores.GroupBy(score => score.Dataset))
        {
            Line("  - task:");
            Line("      type: semantic-similarity");
            Line("      name: \"Semantic Similarity\"");
            Line("    dataset:");
            Line($"      name: {YamlText.Scalar(dataset.Key)}");
            Line($"      type: {YamlText.Scalar(dataset.Key)}");
            Line("    metrics:");
            foreach (CardScore score in dataset)
            {
                Line($"    - type: {YamlText.Scalar(score.Metric)}");
                Line($"      value: {Number(score.After)}");
                Line($"      name: {YamlText.Scalar(score.Metric)}");
            }
        }
    }

    /// <summary>YAML writes what is no number in its own way.</summary>
    private static string Number(double value) => double.IsNaN(value) ? ".nan"
        : double.IsInfinity(value) ? value > 0 ? ".inf" : "-.inf"
        : value.ToString("0.0###############", CultureInfo.InvariantCulture);

    private void Scalar(string key, string? value)
    {
        if (value is not null)
        {
            Line($"{key}: {YamlText.Scalar(value)}");
        }
    }

    private void List(string key, IEnumerable<string> values)
    {
        string[] items = [.. values];
        if (items.Length > 0)
        {
            Line($"{key}:");
            foreach (string item in items)
            {
                Line($"- {YamlText.Scalar(item)}");
            }
        }
    }

    private void Line(string text) => _yaml.Append(text).Append('\n');
}
