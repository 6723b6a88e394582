using System.Text.Json.Nodes;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>Ids equal those of Hugging Face's fast tokenizers, text for text.</summary>
public sealed class ReferenceIdsTests
{
    [Test]
    public void BertBaseUncasedFromItsVocabulary()
    {
        WordPieceTokenizer tokenizer = WordPieceTokenizer.FromVocabulary(Vocabularies.Text);
        AssertReferenceIds("bert-uncased.jsonl", TokenizerOptions.Bert, _ => tokenizer);
    }

    [Test]
    public void BertBaseUncasedFromItsTokenizerJson()
    {
        WordPieceTokenizer tokenizer = WordPieceTokenizer.FromTokenizerJson(Vocabularies.Json);
        AssertReferenceIds("bert-uncased.jsonl", TokenizerOptions.Bert, _ => tokenizer);
    }

    [Test]
    public void AModelOfTheHubOnBertsVocabulary()
    {
        WordPieceTokenizer tokenizer = WordPieceTokenizer.Load(Fixtures.LargeModel("all-MiniLM-L6-v2"));
        AssertReferenceIds("bert-uncased.jsonl", TokenizerOptions.Bert, _ => tokenizer);
    }

    [Test]
    public void EveryVariantOfTheNormalizer()
    {
        Dictionary<TokenizerOptions, WordPieceTokenizer> tokenizers = [];
        AssertReferenceIds("bert-variants.jsonl", TokenizerOptions.Bert, options =>
        {
            if (!tokenizers.TryGetValue(options, out WordPieceTokenizer? tokenizer))
            {
                tokenizers.Add(options, tokenizer = WordPieceTokenizer.FromVocabulary(Vocabularies.Text, options));
            }

            return tokenizer;
        });
    }

    [Test]
    public void MpnetAroundBertsVocabulary()
    {
        WordPieceTokenizer tokenizer = WordPieceTokenizer.ForMpnet(Vocabularies.Text);
        AssertReferenceIds("mpnet.jsonl", TokenizerOptions.Mpnet, _ => tokenizer);
    }

    [Test]
    public void MpnetFromItsVocabularyAndSettings()
    {
        using TemporaryFolder folder = new();
        File.WriteAllLines(folder.Path("vocab.txt"), MpnetVocabulary);
        File.Copy(Fixtures.Path("models", "tiny-mpnet", "tokenizer_config.json"), folder.Path("tokenizer_config.json"));
        WordPieceTokenizer tokenizer = WordPieceTokenizer.Load(folder.Root);
        AssertReferenceIds("mpnet.jsonl", TokenizerOptions.Mpnet, _ => tokenizer);
        Assert.That(WordPieceTokenizer.ForMpnet(folder.Path("vocab.txt")).VocabularySize, Is.EqualTo(MpnetVocabulary.Length), "it has the special tokens already");
    }

    [Test]
    public void MpnetFromItsTokenizerJson()
    {
        // As Hugging Face wrote it for a small vocabulary, with the large one in its place.
        JsonObject json = JsonFile.ReadObject(Fixtures.Path("models", "tiny-mpnet", "tokenizer.json"));
        json["model"]!["vocab"] = new JsonObject(MpnetVocabulary.Select(static (token, id) => KeyValuePair.Create<string, JsonNode?>(token, id)));
        foreach (JsonNode? added in json["added_tokens"]!.AsArray())
        {
            added!["id"] = Array.IndexOf(MpnetVocabulary, (string)added["content"]!);
        }

        using TemporaryFolder folder = new();
        File.WriteAllText(folder.Path("tokenizer.json"), json.ToJsonString());
        WordPieceTokenizer tokenizer = WordPieceTokenizer.FromTokenizerJson(folder.Path("tokenizer.json"));
        AssertReferenceIds("mpnet.jsonl", TokenizerOptions.Mpnet, _ => tokenizer);
    }

    [TestCaseSource(nameof(ModelFolders))]
    public void EveryModelFolder(string name)
    {
        string folder = Fixtures.Path("models", name);
        WordPieceTokenizer tokenizer = WordPieceTokenizer.Load(folder);
        JsonFields expected = new(JsonFile.ReadObject(Path.Combine(folder, "expected.json")), "expected.json");
        string[] texts = [.. expected.Array("texts")!.Select(text => text!.GetValue<string>())];
        TokenizedTexts tokenized = tokenizer.EncodeBatch(texts, expected.RequiredInteger("max_length", 1));

        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        int width = (int)file.Entries["input_ids"].Shape[1];
        int[] ids = new int[texts.Length * width];
        int[] mask = new int[texts.Length * width];
        file.ReadStored<int>("input_ids", WeightType.I32, ids);
        file.ReadStored<int>("attention_mask", WeightType.I32, mask);
        Assert.Multiple(() =>
        {
            for (int text = 0; text < texts.Length; text++)
            {
                int length = mask.AsSpan(text * width, width).Count(1);
                Assert.That(tokenized[text].ToArray(), Is.EqualTo(ids[(text * width)..(text * width + length)]), texts[text]);
            }
        });
    }

    private static string[] MpnetVocabulary { get; } = ["<s>", "<pad>", "</s>", "<unk>", .. File.ReadLines(Vocabularies.Text), "<mask>"];

    private static IEnumerable<string> ModelFolders()
    {
        return Directory.EnumerateDirectories(Fixtures.Path("models")).Select(folder => Path.GetFileName(folder)!).Order();
    }

    private static void AssertReferenceIds(
        string name, TokenizerOptions defaults, Func<TokenizerOptions, WordPieceTokenizer> tokenizerFor)
    {
        IReadOnlyList<TokenizerCase> cases = TokenizerCase.Read(name, defaults);
        Assert.That(cases, Is.Not.Empty);
        Assert.Multiple(() =>
        {
            foreach (TokenizerCase expected in cases)
            {
                int[] ids = tokenizerFor(expected.Options).Encode(expected.Text, expected.MaxLength);
                Assert.That(ids, Is.EqualTo(expected.Ids), expected.ToString());
            }
        });
    }
}
