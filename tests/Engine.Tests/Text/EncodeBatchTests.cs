using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>A batch is the texts one by one, whatever the number of threads.</summary>
public sealed class EncodeBatchTests
{
    private const int MaxLength = 32;

    private WordPieceTokenizer _tokenizer = null!;
    private string[] _texts = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _tokenizer = WordPieceTokenizer.FromVocabulary(Vocabularies.Text);
        _texts = [.. TokenizerCase.Read("bert-uncased.jsonl", TokenizerOptions.Bert).Select(expected => expected.Text)];
    }

    [Test]
    public void EveryTextHasTheIdsItHasAlone([Values(0, 1, 2, 7)] int threads)
    {
        TokenizedTexts batch = _tokenizer.EncodeBatch(_texts, MaxLength, threads);
        int truncated = 0;
        int longest = 0;
        Assert.Multiple(() =>
        {
            Assert.That(batch.Count, Is.EqualTo(_texts.Length));
            Assert.That(batch.Offsets, Has.Length.EqualTo(_texts.Length + 1));
            Assert.That(batch.Offsets[^1], Is.EqualTo(batch.TokenIds.Length));
            for (int text = 0; text < _texts.Length; text++)
            {
                List<int> ids = [];
                truncated += _tokenizer.Encode(_texts[text], ids, MaxLength) ? 1 : 0;
                longest = Math.Max(longest, ids.Count);
                Assert.That(batch[text].SequenceEqual(ids.ToArray()), Is.True, _texts[text]);
            }

            Assert.That(batch.TruncatedCount, Is.EqualTo(truncated));
            Assert.That(batch.LongestLength, Is.EqualTo(longest));
        });
    }

    [Test]
    public void OnlyTextsThatLoseTokensCountAsTruncated()
    {
        TokenizedTexts batch = _tokenizer.EncodeBatch(["a b", "a b c", "a b c d", ""], 5);
        Assert.Multiple(() =>
        {
            Assert.That(batch.TruncatedCount, Is.EqualTo(1));
            Assert.That(batch.Offsets, Is.EqualTo(new[] { 0, 4, 9, 14, 16 }));
            Assert.That(batch.LongestLength, Is.EqualTo(5));
        });
    }

    [Test]
    public void NoTextsAreNoTokens()
    {
        TokenizedTexts batch = _tokenizer.EncodeBatch([], MaxLength);
        Assert.Multiple(() =>
        {
            Assert.That(batch.Count, Is.Zero);
            Assert.That(batch.Offsets, Is.EqualTo(new[] { 0 }));
            Assert.That(batch.LongestLength, Is.Zero);
        });
    }
}
