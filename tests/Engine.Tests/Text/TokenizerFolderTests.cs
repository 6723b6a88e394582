using MnrEngine.Testing;
using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>Which files of a folder say what about the tokenizer.</summary>
public sealed class TokenizerFolderTests
{
    private const string Vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nThe\ne\n##e\n\u00E9\n";

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void AVocabularyAloneIsBertUncased()
    {
        _folder.Write("vocab.txt", Vocabulary.Replace("\n", "\r\n"));
        WordPieceTokenizer tokenizer = WordPieceTokenizer.Load(_folder.Root);
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.TokensOf("The é"), Is.EqualTo("the e"));
            Assert.That(tokenizer.ModelMaxLength, Is.Null);
            Assert.That(tokenizer.VocabularySize, Is.EqualTo(10));
        });
    }

    [Test]
    public void TokenizerConfigSaysHowToNormalize()
    {
        _folder.Write("vocab.txt", Vocabulary);
        _folder.Write("tokenizer_config.json", """
            {"do_lower_case": false, "strip_accents": null, "model_max_length": 64, "tokenizer_class": "BertTokenizerFast"}
            """);
        WordPieceTokenizer tokenizer = WordPieceTokenizer.Load(_folder.Root);
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.TokensOf("The é"), Is.EqualTo("The é"));
            Assert.That(tokenizer.ModelMaxLength, Is.EqualTo(64));
            Assert.That(tokenizer.Options.TokenizerClass, Is.EqualTo("BertTokenizer"));
        });
    }

    [Test]
    public void AMaximumLengthBeyondMeasureIsNone()
    {
        _folder.Write("vocab.txt", Vocabulary);
        _folder.Write("tokenizer_config.json", """{"model_max_length": 1000000000000000019884624838656}""");
        Assert.That(WordPieceTokenizer.Load(_folder.Root).ModelMaxLength, Is.Null);
    }

    [Test]
    public void SpecialTokensHaveTheNamesTheFilesGive()
    {
        _folder.Write("vocab.txt", "<s>\n</s>\n<unk>\na\n<m>\n<x>\n");
        _folder.Write("tokenizer_config.json", """{"cls_token": "<s>", "unk_token": {"content": "<unk>", "lstrip": false}}""");
        _folder.Write("special_tokens_map.json", """
            {"cls_token": "<s>", "sep_token": {"content": "</s>"}, "mask_token": {"content": "<m>", "lstrip": true},
             "additional_special_tokens": ["<x>"]}
            """);
        WordPieceTokenizer tokenizer = WordPieceTokenizer.Load(_folder.Root);
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.Encode("a <m> b <x>"), Is.EqualTo(new[] { 0, 3, 4, 2, 5, 1 }));
            Assert.That(tokenizer.PaddingId, Is.Null);
            Assert.That(tokenizer.Options.AddedTokens!.Single(token => token.LeftStrip).Content, Is.EqualTo("<m>"));
        });
    }

    [Test]
    public void AddedTokensFollowTheVocabulary()
    {
        _folder.Write("vocab.txt", Vocabulary);
        _folder.Write("added_tokens.json", """{"Foo": 11, "[X]": 10}""");
        _folder.Write("special_tokens_map.json", """{"additional_special_tokens": ["[X]"]}""");
        WordPieceTokenizer tokenizer = WordPieceTokenizer.Load(_folder.Root);
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.TokensOf("the foo [X] [x]"), Is.EqualTo("the Foo [X] [UNK] [UNK] [UNK]"));
            Assert.That(tokenizer.VocabularySize, Is.EqualTo(12));
            Assert.That(tokenizer.Decode([5, 10, 11]), Is.EqualTo("the Foo"));
        });
    }

    [Test]
    public void AddedTokensDecoderSaysMoreOfATokenThanItsName()
    {
        _folder.Write("vocab.txt", Vocabulary);
        _folder.Write("tokenizer_config.json", """
            {"added_tokens_decoder": {
              "0": {"content": "[PAD]", "lstrip": false, "normalized": false, "rstrip": false, "single_word": false, "special": true},
              "10": {"content": "[X]", "lstrip": false, "normalized": false, "rstrip": false, "single_word": true, "special": false}}}
            """);
        WordPieceTokenizer tokenizer = WordPieceTokenizer.Load(_folder.Root);
        Assert.That(tokenizer.TokensOf("[X] e[X] [MASK]"), Is.EqualTo("[X] e [UNK] [UNK] [UNK] [MASK]"));
    }

    [Test]
    public void TokenizerJsonComesBeforeTheVocabulary()
    {
        string folder = _folder.CopyFolder(Fixtures.Path("models", "tiny-bert"), "model");
        File.WriteAllText(Path.Combine(folder, "vocab.txt"), "no vocabulary");
        Assert.Multiple(() =>
        {
            Assert.That(WordPieceTokenizer.Load(folder).VocabularySize, Is.EqualTo(1500));
            Assert.That(WordPieceTokenizer.Load(folder).ModelMaxLength, Is.EqualTo(48));
        });
    }

    [TestCase("BertProcessing")]
    [TestCase("RobertaProcessing")]
    public void OlderPostProcessorsNameTheSameTokens(string type)
    {
        string json = MinimalTokenizerJson.With("post_processor", $$"""{"type": "{{type}}", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]}""");
        WordPieceTokenizer tokenizer = WordPieceTokenizer.FromTokenizerJson(_folder.Write("tokenizer.json", json));
        Assert.That(tokenizer.Encode("a"), Is.EqualTo(new[] { 2, 5, 3 }));
    }

    [Test]
    public void AWordPieceModelOfOldNamesNoType()
    {
        string json = MinimalTokenizerJson.With("model", """{"unk_token": "[UNK]", "vocab": {"a": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}}""");
        WordPieceTokenizer tokenizer = WordPieceTokenizer.FromTokenizerJson(_folder.Write("tokenizer.json", json));
        Assert.That(tokenizer.Encode("a"), Is.EqualTo(new[] { 2, 0, 3 }));
    }
}
