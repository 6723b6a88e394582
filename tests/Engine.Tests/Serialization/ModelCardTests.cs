using System.Text.Json;
using System.Text.Json.Nodes;
using MnrEngine.Serialization;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Serialization;

public sealed class ModelCardTests
{
    private static readonly EncoderDescription Description = new()
    {
        Transformer = new TransformerConfiguration { HiddenSize = 128, NumHiddenLayers = 2, NumAttentionHeads = 2, IntermediateSize = 512 },
        MaxSequenceLength = 64,
        Modules = [new NormalizeDescription()],
    };

    private static readonly ModelCard Card = new()
    {
        BaseModel = "bert-base-uncased",
        Language = "en",
        License = "apache-2.0",
        Datasets = [new CardDataset("nli.tsv", 17943, ["anchor", "positive"]) { Samples = [["A dog runs.", "An animal moves."]], Source = "SNLI, CC BY-SA 4.0" }],
        Loss = new CardLoss("MultipleNegativesRankingLoss", new JsonObject { ["scale"] = 20.0 }),
        Hyperparameters = [new("batch_size", "64"), new("learning_rate", "0.001")],
        Scores = [new CardScore("sts-dev", "spearman_cosine", 0.53116, 0.67268), new CardScore("sts-dev", "pearson_cosine", null, 0.7)],
        TrainingTime = TimeSpan.FromSeconds(83.26),
    };

    [Test]
    public void TheMetadataIsWhatTheHubReads()
    {
        string text = Card.ToMarkdown(Description);
        string metadata = text[4..text.IndexOf("\n---\n", StringComparison.Ordinal)];
        Assert.Multiple(() =>
        {
            Assert.That(text, Does.StartWith("---\n"));
            Assert.That(metadata, Is.EqualTo("""
                language: en
                license: apache-2.0
                library_name: sentence-transformers
                pipeline_tag: sentence-similarity
                base_model: bert-base-uncased
                tags:
                - sentence-transformers
                - sentence-similarity
                - feature-extraction
                - dense
                - generated_from_trainer
                - "dataset_size:17943"
                - "loss:MultipleNegativesRankingLoss"
                widget:
                - source_sentence: "A dog runs."
                  sentences:
                  - "An animal moves."
                metrics:
                - spearman_cosine
                - pearson_cosine
                model-index:
                - name: "Sentence encoder based on bert-base-uncased"
                  results:
                  - task:
                      type: semantic-similarity
                      name: "Semantic Similarity"
                    dataset:
                      name: sts-dev
                      type: sts-dev
                    metrics:
                    - type: spearman_cosine
                      value: 0.67268
                      name: spearman_cosine
                    - type: pearson_cosine
                      value: 0.7
                      name: pearson_cosine
                """));
        });
    }

    [TestCase("17,943 training samples")]
    [TestCase("Columns: anchor, positive")]
    [TestCase("| A dog runs. | An animal moves. |")]
    [TestCase("SNLI, CC BY-SA 4.0")]
    [TestCase("| sts-dev | spearman_cosine | 0.5312 | **0.6727** |")]
    [TestCase("\"scale\": 20")]
    [TestCase("- learning_rate: 0.001")]
    [TestCase("83.3 seconds")]
    [TestCase("[bert-base-uncased](https://huggingface.co/bert-base-uncased)")]
    [TestCase("from sentence_transformers import SentenceTransformer")]
    [TestCase("MnrEngine: ")]
    [TestCase("128-dimensional")]
    [TestCase("**Maximum Sequence Length:** 64 tokens")]
    [TestCase("Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks")]
    [TestCase("Efficient Natural Language Response Suggestion for Smart Reply")]
    public void TheTrainingFactsAreTold(string fact) => Assert.That(Card.ToMarkdown(Description), Does.Contain(fact));

    [TestCase("../models/mine")]
    [TestCase("/models/mine")]
    [TestCase("C:\\models\\mine")]
    [TestCase("a model: \"mine\"\n---\n")]
    public void ABaseModelThatIsNoHubIdIsNotInTheMetadata(string name)
    {
        string text = (Card with { BaseModel = name, Scores = [] }).ToMarkdown(Description);
        Assert.That(text[..text.IndexOf("\n---\n", StringComparison.Ordinal)], Does.Not.Contain("base_model").And.Contain("library_name"));
    }

    [Test]
    public void ACardOfNothingIsStillACard()
    {
        string text = new ModelCard().ToMarkdown(Description);
        Assert.That(text, Does.Contain("trained from random weights").And.Contain("pipeline_tag: sentence-similarity").And.Not.Contain("base_model").And.Not.Contain("## Evaluation"));
    }

    [TestCase("")]
    [TestCase(" ")]
    [TestCase("true")]
    [TestCase("No")]
    [TestCase("null")]
    [TestCase("~")]
    [TestCase("12")]
    [TestCase("1e3")]
    [TestCase("- item")]
    [TestCase("key: value")]
    [TestCase("a # comment")]
    [TestCase("\"quoted\" and 'quoted' and \\ and \\n")]
    [TestCase("two\nlines\r\n\ttab\0nul\u0085\u2028\u2029\uFEFF\uFFFE")]
    [TestCase("größe 日本 😀 \u007F\u009F\u00A0")]
    [TestCase("---")]
    public void AnyTextIsAYamlScalarOnOneLine(string text)
    {
        // A scalar in double quotes with only these escapes means in YAML what it means in JSON.
        string scalar = YamlText.Scalar(text);
        Assert.Multiple(() =>
        {
            Assert.That(scalar, Does.Match("^\"([^\"\\\\]|\\\\[\"\\\\n]|\\\\u[0-9A-F]{4})*\"$"));
            Assert.That(scalar.All(c => c >= ' ' && c is not ('\u007F' or '\u0085' or '\u2028' or '\u2029' or '\uFEFF' or '\uFFFE')), "nothing that YAML does not print");
            Assert.That(JsonDocument.Parse(scalar).RootElement.GetString(), Is.EqualTo(text));
        });
    }

    [Test]
    public void HalfOfASurrogatePairBecomesTheReplacementCharacter() => Assert.That(YamlText.Scalar("a\uD83D"), Is.EqualTo("\"a\uFFFD\""));

    [Test]
    public void TextsOfTheDataAreNoMarkup()
    {
        ModelCard card = Card with { Datasets = [new CardDataset("<b>*x*</b>\n# y", 1, ["a|b"]) { Samples = [["`code` | [link](x)\n---"]] }] };
        string text = card.ToMarkdown(Description);
        Assert.Multiple(() =>
        {
            Assert.That(text, Does.Contain("### Training Dataset: &lt;b&gt;\\*x\\*&lt;/b&gt; \\# y\n"));
            Assert.That(text, Does.Contain("| \\`code\\` \\| \\[link\\](x) --- |\n"));
        });
    }
}
