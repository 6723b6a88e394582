using System.Text.Json.Nodes;
using MnrEngine.Testing;
using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>A saved tokenizer is the same when loaded, by us from any of its files, and by every version of transformers.</summary>
public sealed class SaveTests
{
    private static readonly string[] Texts =
        ["Hello [MASK] wörld", "THE 世界 é", "don't [SEP] a<x>b", "unaffable <mask> Foo foo", "\u0130 \u1E9E \U0001D16D\u302E"];

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void EveryVariantEncodesAlikeAfterSaving([Values] bool vocabularyAlone)
    {
        string[] vocabulary = [.. File.ReadLines(Fixtures.Path("models", "tiny-bert", "vocab.txt"))];
        TokenizerOptions[] variants =
        [
            TokenizerOptions.Bert,
            new() { Lowercase = false },
            new() { StripAccents = false },
            new() { Lowercase = false, StripAccents = true, TokenizeChineseChars = false },
            new()
            {
                AddedTokens =
                [
                    new("[PAD]"), new("[UNK]"), new("[CLS]"), new("[SEP]"), new("[MASK]") { RightStrip = true },
                    new("<x>") { SingleWord = true }, new("Foo") { Normalized = true, Special = false },
                ],
            },
        ];
        foreach (TokenizerOptions options in variants)
        {
            AssertSame(new WordPieceTokenizer(vocabulary, options), vocabularyAlone);
        }

        string[] mpnetVocabulary = ["<s>", "<pad>", "</s>", "<unk>", .. vocabulary, "<mask>"];
        AssertSame(new WordPieceTokenizer(mpnetVocabulary, TokenizerOptions.Mpnet), vocabularyAlone);
    }

    [Test]
    public void SavingWhatHuggingFaceWroteKeepsWhatItSays()
    {
        WordPieceTokenizer tokenizer = WordPieceTokenizer.FromTokenizerJson(Vocabularies.Json);
        tokenizer.Save(_folder.Root, 128);
        JsonObject original = JsonNode.Parse(File.ReadAllText(Vocabularies.Json))!.AsObject();
        JsonObject saved = JsonNode.Parse(File.ReadAllText(_folder.Path("tokenizer.json")))!.AsObject();

        // The file is from before models had types.
        original["model"]!["type"] = "WordPiece";
        Assert.Multiple(() =>
        {
            foreach ((string key, JsonNode? section) in original)
            {
                Assert.That(JsonNode.DeepEquals(saved[key], section), Is.True, key);
            }

            Assert.That(saved.Select(section => section.Key), Is.EquivalentTo(original.Select(section => section.Key)));
            Assert.That(File.ReadAllBytes(_folder.Path("vocab.txt")), Is.EqualTo(File.ReadAllBytes(Vocabularies.Text)));
        });
    }

    [Test]
    public void TheSettingsAreThoseThatTransformersReads()
    {
        new WordPieceTokenizer([.. File.ReadLines(Vocabularies.Text)]).Save(_folder.Root, 128);
        const string SpecialTokens =
            "\"cls_token\": \"[CLS]\", \"mask_token\": \"[MASK]\", \"pad_token\": \"[PAD]\", \"sep_token\": \"[SEP]\", \"unk_token\": \"[UNK]\"";
        Assert.Multiple(() =>
        {
            Assert.That(Saved("special_tokens_map.json"), IsJson("{" + SpecialTokens + "}"));
            Assert.That(Saved("tokenizer_config.json"), IsJson("""
                {"clean_up_tokenization_spaces": true, "do_lower_case": true, "model_max_length": 128, "strip_accents": null,
                 "tokenize_chinese_chars": true, "tokenizer_class": "BertTokenizer",
                """ + SpecialTokens + "}"));
            Assert.That(
                Directory.EnumerateFiles(_folder.Root).Select(Path.GetFileName),
                Is.EquivalentTo(new[] { "vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json" }));
        });
    }

    [Test]
    public void SpecialTokensThatTheVocabularyLacksAreNotDeclared()
    {
        new WordPieceTokenizer(["[UNK]", "[CLS]", "[SEP]"]).Save(_folder.Root, 128);
        Assert.That(Saved("special_tokens_map.json"), IsJson("""{"cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}"""));
    }

    [Test]
    public void AVocabularyOfAnyTextSurvives()
    {
        string[] vocabulary = ["[UNK]", "[CLS]", "[SEP]", "\"", "\\", "</x>", "&", "é", "\u2028", "\uFEFF", "\U0001F600", "", " ", "\t"];
        new WordPieceTokenizer(vocabulary).Save(_folder.Root, 128);
        string[] FromVocabulary() => WordPieceTokenizer.FromVocabulary(_folder.Path("vocab.txt")).Tokens([.. Enumerable.Range(0, vocabulary.Length)]);
        string[] FromJson() => WordPieceTokenizer.FromTokenizerJson(_folder.Path("tokenizer.json")).Tokens([.. Enumerable.Range(0, vocabulary.Length)]);
        Assert.Multiple(() =>
        {
            Assert.That(FromVocabulary(), Is.EqualTo(vocabulary));
            Assert.That(FromJson(), Is.EqualTo(vocabulary));
        });
    }

    private void AssertSame(WordPieceTokenizer tokenizer, bool vocabularyAlone)
    {
        tokenizer.Save(_folder.Root, 77);
        if (vocabularyAlone)
        {
            File.Delete(_folder.Path("tokenizer.json"));
        }

        WordPieceTokenizer loaded = WordPieceTokenizer.Load(_folder.Root);
        Assert.Multiple(() =>
        {
            foreach (string text in Texts.Concat(TokenizerCase.Read("bert-uncased.jsonl", TokenizerOptions.Bert).Take(200).Select(row => row.Text)))
            {
                Assert.That(loaded.Encode(text), Is.EqualTo(tokenizer.Encode(text)), text);
            }

            Assert.That(loaded.VocabularySize, Is.EqualTo(tokenizer.VocabularySize));
            Assert.That(loaded.PaddingId, Is.EqualTo(tokenizer.PaddingId));
            Assert.That(loaded.MaskId, Is.EqualTo(tokenizer.MaskId));
            Assert.That(loaded.ModelMaxLength, Is.EqualTo(77));
            Assert.That(loaded.Options.TokenizerClass, Is.EqualTo(tokenizer.Options.TokenizerClass));
        });
        foreach (string file in Directory.EnumerateFiles(_folder.Root))
        {
            File.Delete(file);
        }
    }

    private JsonNode Saved(string name) => JsonNode.Parse(File.ReadAllText(_folder.Path(name)))!;

    private static NUnit.Framework.Constraints.IResolveConstraint IsJson(string json)
    {
        JsonNode expected = JsonNode.Parse(json)!;
        return Is.Not.Null.And.Matches<JsonNode>(found => JsonNode.DeepEquals(found, expected));
    }
}
