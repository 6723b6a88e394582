using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MnrEngine.Serialization;

/// <summary>Writes a <see cref="ModelCard"/>, in the order of sections that sentence-transformers' cards have.</summary>
internal sealed class CardText(ModelCard card, EncoderDescription description)
{
    private const string RankingLoss = "MultipleNegativesRankingLoss";

    private readonly StringBuilder _text = new();

    private string Title => card.BaseModel is null ? "Sentence encoder" : $"Sentence encoder based on {Markdown(card.BaseModel)}";

    public string Write()
    {
        Line("---");
        _text.Append(new CardMetadata(card).Write());
        Line("---");
        Line();
        Line($"# {Title}");
        Line();
        string origin = card.BaseModel is null ? "trained from random weights" : $"finetuned from {Link(card.BaseModel)}";
        Line($"This is a [sentence-transformers](https://www.SBERT.net) model {origin} with MnrEngine. It maps texts to a {description.EmbeddingDimension}-dimensional vector space and can be used for semantic textual similarity, semantic search, paraphrase mining, classification and clustering.");
        WriteDetails();
        WriteUsage();
        WriteScores();
        WriteTraining();
        WriteCitation();
        return _text.ToString();
    }

    private void WriteDetails()
    {
        Heading(2, "Model Details");
        Line("- **Model Type:** Sentence Transformer");
        if (card.BaseModel is not null)
        {
            Line($"- **Base model:** {Link(card.BaseModel)}");
        }

        Line($"- **Maximum Sequence Length:** {description.MaxSequenceLength} tokens");
        Line($"- **Output Dimensionality:** {description.EmbeddingDimension} dimensions");
        Line($"- **Similarity Function:** {description.SimilarityFunction}");
        if (card.Language is not null)
        {
            Line($"- **Language:** {Markdown(card.Language)}");
        }

        if (card.License is not null)
        {
            Line($"- **License:** {Markdown(card.License)}");
        }

        TransformerConfiguration transformer = description.Transformer;
        Heading(3, "Full Model Architecture");
        Line("```");
        Line($"Transformer({transformer.Architecture}, layers={transformer.NumHiddenLayers}, hidden={transformer.HiddenSize}, heads={transformer.NumAttentionHeads}, intermediate={transformer.IntermediateSize}, vocabulary={transformer.VocabSize})");
        Line($"Pooling({string.Join(", ", ModuleFiles.PoolingNames.Where(known => description.Pooling.HasFlag(known.Mode)).Select(known => known.Name))})");
        foreach (ModuleDescription module in description.Modules)
        {
            Line(module is DenseDescription dense ? $"Dense({dense.InFeatures}, {dense.OutFeatures}, bias={dense.Bias}, {dense.Activation})" : "Normalize()");
        }

        Line("```");
    }

    private void WriteUsage()
    {
        Heading(2, "Usage");
        Line("With sentence-transformers (`pip install -U sentence-transformers`):");
        Line();
        Line("```python");
        Line("from sentence_transformers import SentenceTransformer");
        Line();
        Line("model = SentenceTransformer(\"path/to/this/folder\")");
        Line("embeddings = model.encode([\"The weather is lovely today.\", \"It's so sunny outside!\", \"He drove to the stadium.\"])");
        Line("print(model.similarity(embeddings, embeddings))");
        Line("```");
        Line();
        Line("With MnrEngine:");
        Line();
        Line("```bash");
        Line("MnrEngine similarity path/to/this/folder \"The weather is lovely today.\" \"It's so sunny outside!\"");
        Line("```");
    }

    private void WriteScores()
    {
        if (card.Scores.Count == 0)
        {
            return;
        }

        Heading(2, "Evaluation");
        Line("| Dataset | Metric | Before | After |");
        Line("|:--------|:-------|-------:|------:|");
        foreach (CardScore score in card.Scores)
        {
            Line($"| {Markdown(score.Dataset)} | {Markdown(score.Metric)} | {(score.Before is double before ? Number(before) : "")} | **{Number(score.After)}** |");
        }
    }

    private void WriteTraining()
    {
        Heading(2, "Training Details");
        foreach (CardDataset dataset in card.Datasets)
        {
            WriteDataset(dataset);
        }

        if (card.Loss is CardLoss loss)
        {
            Heading(3, "Loss");
            Line($"{Markdown(loss.Name)} with these parameters:");
            Line();
            Line("```json");
            Line(Json(loss));
            Line("```");
        }

        if (card.Hyperparameters.Count > 0)
        {
            Heading(3, "Training Hyperparameters");
            foreach ((string name, string value) in card.Hyperparameters)
            {
                Line($"- {Markdown(name)}: {Markdown(value)}");
            }
        }

        if (card.TrainingTime is TimeSpan time)
        {
            Heading(3, "Training Time");
            Line(string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:N1} seconds"));
        }

        Heading(3, "Framework Versions");
        Line($"- MnrEngine: {EngineVersion.Text}");
        Line($"- .NET: {Environment.Version}");
    }

    private void WriteDataset(CardDataset dataset)
    {
        Heading(3, $"Training Dataset: {Markdown(dataset.Name)}");
        Line(string.Create(CultureInfo.InvariantCulture, $"- Size: {dataset.Rows:N0} training samples"));
        Line($"- Columns: {string.Join(", ", dataset.Columns.Select(Markdown))}");
        if (dataset.Source is not null)
        {
            Line($"- Source: {Markdown(dataset.Source)}");
        }

        if (dataset.Samples.Count > 0)
        {
            Line("- Samples:");
            Line();
            Line($"| {string.Join(" | ", dataset.Columns.Select(Markdown))} |");
            Line($"|{string.Concat(Enumerable.Repeat(":---|", dataset.Columns.Count))}");
            foreach (IReadOnlyList<string> sample in dataset.Samples)
            {
                Line($"| {string.Join(" | ", sample.Select(Markdown))} |");
            }
        }
    }

    private void WriteCitation()
    {
        Heading(2, "Citation");
        Line("```bibtex");
        Line("""
            @inproceedings{reimers-2019-sentence-bert,
                title = "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks",
                author = "Reimers, Nils and Gurevych, Iryna",
                booktitle = "Proceedings of the 2019 Conference on Empirical Methods in Natural Language Processing",
                year = "2019",
                url = "https://arxiv.org/abs/1908.10084",
            }
            """);
        if (card.Loss?.Name == RankingLoss)
        {
            Line();
            Line("""
                @misc{henderson2017efficient,
                    title = "Efficient Natural Language Response Suggestion for Smart Reply",
                    author = "Henderson, Matthew and Al-Rfou, Rami and Strope, Brian and Sung, Yun-hsuan and Lukacs, Laszlo and Guo, Ruiqi and Kumar, Sanjiv and Miklos, Balint and Kurzweil, Ray",
                    year = "2017",
                    url = "https://arxiv.org/abs/1705.00652",
                }
                """);
        }

        Line("```");
    }

    private static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Link(string model) => CardMetadata.IsHubId(model) ? $"[{model}](https://huggingface.co/{model})" : Markdown(model);

    /// <summary>The parameters readably: without the escapes that only a web page would need, and without an end of the code block inside a text.</summary>
    private static string Json(CardLoss loss)
    {
        using MemoryStream json = new();
        using (Utf8JsonWriter writer = new(json, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            loss.Parameters.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(json.ToArray()).Replace("```", "\\u0060``", StringComparison.Ordinal);
    }

    /// <summary>A text on one line, shown as it is: what Markdown or HTML takes for markup is escaped (underscores inside names are not).</summary>
    private static string Markdown(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune.Value is 0x2028 or 0x2029)
            {
                escaped.Append(' ');
            }
            else if (rune.Value is '<' or '>' or '&')
            {
                escaped.Append(rune.Value == '<' ? "&lt;" : rune.Value == '>' ? "&gt;" : "&amp;");
            }
            else
            {
                escaped.Append(rune.IsAscii && "\\`*[]#|~!$".Contains((char)rune.Value) ? "\\" : "").Append(rune);
            }
        }

        return escaped.ToString();
    }

    private void Heading(int level, string text)
    {
        Line();
        Line($"{new string('#', level)} {text}");
        Line();
    }

    private void Line(string text = "") => _text.Append(text).Append('\n');
}
