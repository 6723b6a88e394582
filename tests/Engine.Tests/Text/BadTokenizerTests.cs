using MnrEngine.Testing;
using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>Files that are no tokenizer: each gets one sentence that names the file and what is wrong in it.</summary>
public sealed class BadTokenizerTests
{
    private const string Vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n";

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [TestCase("", "{0} is empty where a vocabulary, one token a line, is expected")]
    [TestCase("[CLS]\n[SEP]\na\n", "{0} has no token \"[UNK]\" among its 3 tokens")]
    [TestCase("[UNK]\n[SEP]\na\n", "{0} has no token \"[CLS]\" among its 3 tokens")]
    [TestCase("[UNK]\n[CLS]\na", "{0} has no token \"[SEP]\" among its 3 tokens")]
    [TestCase("[UNK]\n[CLS]\n[SEP]\na\nb\na\n", "tokens 3 and 5 of {0}, counted from 0, are both \"a\"")]
    [TestCase("[UNK]\n[CLS]\n[SEP]\na\rb\n", "token 3 of {0} holds a line break, which vocab.txt has no place for")]
    public void ABadVocabulary(string text, string message)
    {
        string path = _folder.Write("vocab.txt", text);
        Assert.Multiple(() =>
        {
            Assert.That(() => WordPieceTokenizer.FromVocabulary(path), Refused(string.Format(null, message, path)));
            Assert.That(() => WordPieceTokenizer.Load(_folder.Root), Refused(string.Format(null, message, path)));
        });
    }

    [Test]
    public void AVocabularyThatIsNotUtf8()
    {
        string path = _folder.Path("vocab.txt");
        File.WriteAllBytes(path, [.. "[UNK]\nna"u8, 0xEF, (byte)'\n']);
        Assert.That(() => WordPieceTokenizer.FromVocabulary(path), Refused($"line 2 of {path} is not valid UTF-8"));
    }

    [Test]
    public void AMissingVocabulary()
    {
        string path = _folder.Path("none", "vocab.txt");
        Assert.Multiple(() =>
        {
            Assert.That(() => WordPieceTokenizer.FromVocabulary(path), Refused($"{path} does not exist"));
            Assert.That(() => WordPieceTokenizer.FromVocabulary(_folder.Root), Throws.InstanceOf<InputException>());
            Assert.That(() => WordPieceTokenizer.Load(_folder.Root), Refused($"{_folder.Root} has neither tokenizer.json nor vocab.txt"));
        });
    }

    [TestCase("tokenizer_config.json", "{\"do_lower_case\": 1}", "do_lower_case in {0} is 1 where true or false is expected")]
    [TestCase("tokenizer_config.json", "{\"cls_token\": 1}", "cls_token in {0} is 1 where a string is expected")]
    [TestCase("tokenizer_config.json", "{\"cls_token\": {}}", "cls_token of {0} has no content")]
    [TestCase("tokenizer_config.json", "{\"model_max_length\": 1}", "model_max_length in {0} is 1 where a number of tokens from 2 on is expected")]
    [TestCase("tokenizer_config.json", "{\"model_max_length\": 12.5}", "model_max_length in {0} is 12.5 where a number of tokens from 2 on is expected")]
    [TestCase("tokenizer_config.json", "{\"tokenizer_class\": \"BertJapaneseTokenizer\"}",
        "tokenizer_class in {0} is \"BertJapaneseTokenizer\" where one of BertTokenizer, DistilBertTokenizer, ElectraTokenizer, MobileBertTokenizer, "
        + "MPNetTokenizer, RetriBertTokenizer, as there is no tokenizer.json, is expected")]
    [TestCase("tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": {\"content\": \"a\"}}}",
        "added_tokens_decoder of {0} has the key \"x\" where an id is expected")]
    [TestCase("tokenizer_config.json", "{\"additional_special_tokens\": [null]}", "additional_special_tokens in {0} is [null] where an array of tokens is expected")]
    [TestCase("tokenizer_config.json", "[]", "{0} has to hold a JSON object")]
    public void ABadSettingBesideAVocabulary(string name, string json, string message)
    {
        _folder.Write("vocab.txt", Vocabulary);
        string path = _folder.Write(name, json);
        Assert.That(() => WordPieceTokenizer.Load(_folder.Root), Refused(string.Format(null, message, path)));
    }

    [TestCase("{\"b\": 7}", "\"b\" has id 7 in {0} where the vocabulary makes it 6")]
    [TestCase("{\"a\": 6}", "\"a\" has id 6 in {0} where the vocabulary makes it 5")]
    public void AddedTokensThatContradictTheVocabulary(string json, string message)
    {
        _folder.Write("vocab.txt", Vocabulary);
        _folder.Write("added_tokens.json", json);
        Assert.That(() => WordPieceTokenizer.Load(_folder.Root), Refused(string.Format(null, message, _folder.Root)));
    }

    [Test]
    public void AnAdditionalSpecialTokenWithoutAnId()
    {
        string vocabulary = _folder.Write("vocab.txt", Vocabulary);
        _folder.Write("special_tokens_map.json", """{"additional_special_tokens": ["<x>"]}""");
        Assert.That(() => WordPieceTokenizer.Load(_folder.Root), Refused(
            $"the additional special token \"<x>\" of {_folder.Root} is neither in {vocabulary} nor in added_tokens.json"));
    }

    [Test]
    public void FilesThatContradictEachOther()
    {
        string json = _folder.Write("tokenizer.json", MinimalTokenizerJson.Text);
        Assert.Multiple(() =>
        {
            string configuration = _folder.Write("tokenizer_config.json", """{"do_lower_case": false}""");
            Assert.That(() => WordPieceTokenizer.Load(_folder.Root), Refused($"do_lower_case in {configuration} contradicts the normalizer of {json}"));
            _folder.Write("tokenizer_config.json", """{"strip_accents": false}""");
            Assert.That(() => WordPieceTokenizer.Load(_folder.Root), Refused($"strip_accents in {configuration} contradicts the normalizer of {json}"));
            _folder.Write("tokenizer_config.json", """{"tokenize_chinese_chars": false}""");
            Assert.That(() => WordPieceTokenizer.Load(_folder.Root), Refused($"tokenize_chinese_chars in {configuration} contradicts the normalizer of {json}"));
            _folder.Write("tokenizer_config.json", """{"cls_token": "<s>"}""");
            Assert.That(() => WordPieceTokenizer.Load(_folder.Root), Refused($"cls_token is \"<s>\" beside {json}, which has \"[CLS]\" in its place"));
            string map = _folder.Write("special_tokens_map.json", """{"cls_token": "[CLS]"}""");
            Assert.That(() => WordPieceTokenizer.Load(_folder.Root), Refused($"cls_token is \"<s>\" in {configuration} but \"[CLS]\" in {map}"));
        });
    }

    [TestCase("BPE", "{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}", "\"BPE\"")]
    [TestCase("a BPE of old", "{\"vocab\": {\"a\": 0}, \"merges\": []}", "null")]
    [TestCase("Unigram", "{\"type\": \"Unigram\", \"vocab\": [[\"a\", -1.0]]}", "\"Unigram\"")]
    [TestCase("a Unigram of old", "{\"vocab\": [[\"a\", -1.0]]}", "null")]
    public void ATokenizerOfAnotherKind(string kind, string model, string found)
    {
        string path = _folder.Write("tokenizer.json", MinimalTokenizerJson.With("model", model));
        Assert.That(() => WordPieceTokenizer.FromTokenizerJson(path), Refused(
            $"type in model of {path} is {found} where \"WordPiece\", the only kind of tokenizer that is supported, is expected"), kind);
    }

    [TestCase("model", null, "{0} has no model")]
    [TestCase("model", "{\"type\": \"WordPiece\"}", "model of {0} has no vocab")]
    [TestCase("model", "{\"type\": \"WordPiece\", \"vocab\": {}}", "\"[UNK]\" has id 1 in added_tokens of {0} where the vocabulary makes it 0")]
    [TestCase("model", "{\"type\": \"WordPiece\", \"vocab\": {\"a\": \"b\"}}", "a in vocab of model of {0} is \"b\" where a whole number from 0 to 0 is expected")]
    [TestCase("model", "{\"type\": \"WordPiece\", \"vocab\": {\"a\": null}}", "a in vocab of model of {0} is null where an id is expected")]
    [TestCase("model", "{\"type\": \"WordPiece\", \"vocab\": {\"a\": 0, \"b\": 2}}", "b in vocab of model of {0} is 2 where a whole number from 0 to 1 is expected")]
    [TestCase("model", "{\"type\": \"WordPiece\", \"vocab\": {\"a\": 0, \"b\": 0}}", "\"a\" and \"b\" in vocab of model of {0} have the same id 0")]
    [TestCase("normalizer", null, "{0} has no normalizer")]
    [TestCase("normalizer", "{\"type\": \"NFC\"}", "type in normalizer of {0} is \"NFC\" where \"BertNormalizer\", the only one that is supported, is expected")]
    [TestCase("pre_tokenizer", "{\"type\": \"ByteLevel\"}",
        "type in pre_tokenizer of {0} is \"ByteLevel\" where \"BertPreTokenizer\", the only one that is supported, is expected")]
    [TestCase("post_processor", null, "{0} has no post_processor")]
    [TestCase("post_processor", "{\"type\": \"ByteLevel\"}",
        "type in post_processor of {0} is \"ByteLevel\" where \"TemplateProcessing\", \"BertProcessing\" or \"RobertaProcessing\" is expected")]
    [TestCase("post_processor", "{\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": {\"id\": \"A\"}}]}",
        "single in post_processor of {0} is [{{\"Sequence\":{{\"id\":\"A\"}}}}] where one special token, the sequence A and one special token is expected")]
    [TestCase("post_processor", "{\"type\": \"BertProcessing\", \"cls\": [\"[CLS]\", 3], \"sep\": [\"[SEP]\", 3]}",
        "cls in post_processor of {0} is [\"[CLS]\",3] where a token with the id it has in the vocabulary, 2, is expected")]
    [TestCase("post_processor", "{\"type\": \"BertProcessing\", \"cls\": [\"<s>\", 3], \"sep\": [\"[SEP]\", 3]}",
        "cls in post_processor of {0} is [\"\\u003Cs\\u003E\",3] where a token with the id it has in the vocabulary, which lacks <s>, is expected")]
    [TestCase("post_processor", "{\"type\": \"BertProcessing\", \"cls\": \"[CLS]\"}",
        "cls in post_processor of {0} is \"[CLS]\" where an array is expected")]
    [TestCase("added_tokens", "[{\"id\": 5, \"content\": \"[CLS]\"}]", "\"[CLS]\" has id 5 in added_tokens of {0} where the vocabulary makes it 2")]
    [TestCase("added_tokens", "[{\"content\": \"[CLS]\"}]", "added_tokens of {0} has no id")]
    [TestCase("added_tokens", "[5]", "added_tokens in {0} is [5] where an array of objects is expected")]
    public void ABadTokenizerJson(string section, string? json, string message)
    {
        string path = _folder.Write("tokenizer.json", MinimalTokenizerJson.With(section, json));
        Assert.That(() => WordPieceTokenizer.FromTokenizerJson(path), Refused(string.Format(null, message, path)));
    }

    [Test]
    public void ATokenTwiceInTokenizerJson()
    {
        string path = _folder.Write("tokenizer.json", MinimalTokenizerJson.Text.Replace("\"a\": 5", "\"a\": 5, \"a\": 6"));
        Assert.That(() => WordPieceTokenizer.FromTokenizerJson(path), Throws.InstanceOf<InputException>().With.Message.Contains(path));
    }

    [Test]
    public void ATokenizerJsonThatIsCutAtAnyByteIsRefused()
    {
        for (int length = 0; length < MinimalTokenizerJson.Text.Length; length += 7)
        {
            string path = _folder.Write("tokenizer.json", MinimalTokenizerJson.Text[..length]);
            Assert.That(() => WordPieceTokenizer.FromTokenizerJson(path), Throws.InstanceOf<InputException>().With.Message.Contains(path));
        }
    }

    private static NUnit.Framework.Constraints.IResolveConstraint Refused(string message)
    {
        return Throws.InstanceOf<InputException>().With.Message.EqualTo(message);
    }
}
