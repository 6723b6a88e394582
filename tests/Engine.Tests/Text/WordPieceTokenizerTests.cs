using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

public sealed class WordPieceTokenizerTests
{
    private WordPieceTokenizer _bert = null!;

    [OneTimeSetUp]
    public void Load() => _bert = WordPieceTokenizer.FromVocabulary(Vocabularies.Text);

    [Test]
    public void TheSpecialTokensHaveTheirIds()
    {
        Assert.Multiple(() =>
        {
            Assert.That(_bert.VocabularySize, Is.EqualTo(30522));
            Assert.That(_bert.PaddingId, Is.Zero);
            Assert.That(_bert.UnknownId, Is.EqualTo(100));
            Assert.That(_bert.ClassifyId, Is.EqualTo(101));
            Assert.That(_bert.SeparatorId, Is.EqualTo(102));
            Assert.That(_bert.MaskId, Is.EqualTo(103));
            Assert.That(_bert.IdOf("hello"), Is.EqualTo(7592));
            Assert.That(_bert.IdOf("helloworld"), Is.Null);
            Assert.That(_bert.ModelMaxLength, Is.Null);
        });
    }

    [Test]
    public void IdsAreAddedToTheListAndTruncationIsReported()
    {
        List<int> ids = [7];
        Assert.Multiple(() =>
        {
            Assert.That(_bert.Encode("hello world", ids, 4), Is.False);
            Assert.That(_bert.Encode("hello world", ids, 3), Is.True);
            Assert.That(_bert.Encode("hello world", ids, 2), Is.True);
            Assert.That(_bert.Encode("", ids, 2), Is.False);
            Assert.That(ids, Is.EqualTo(new[] { 7, 101, 7592, 2088, 102, 101, 7592, 102, 101, 102, 101, 102 }));
            Assert.That(() => _bert.Encode("hello", 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    [Test]
    public void TruncationCutsWithinAWord()
    {
        int[] whole = _bert.Encode("supercalifragilisticexpialidocious");
        Assert.Multiple(() =>
        {
            for (int length = 2; length <= whole.Length; length++)
            {
                int[] expected = [.. whole[..(length - 1)], whole[^1]];
                Assert.That(_bert.Encode("supercalifragilisticexpialidocious", length), Is.EqualTo(expected));
            }
        });
    }

    [Test]
    public void AWordOfMoreThanAHundredCodePointsIsUnknown()
    {
        // Deseret small letters are code points beyond 16 bits, so 100 of them are 200 UTF-16 units.
        WordPieceTokenizer tokenizer = Vocabularies.Small(TokenizerOptions.Bert, "\U00010428", "##\U00010428");
        string Letters(int count) => string.Concat(Enumerable.Repeat("\U00010428", count));
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.Encode(Letters(100)), Has.Length.EqualTo(102));
            Assert.That(tokenizer.TokensOf(Letters(101)), Is.EqualTo("[UNK]"));
        });
    }

    [Test]
    public void LongTextsHaveTheIdsOfTheirParts()
    {
        // Longer than the pieces that are normalised at once, and of a length that lets the pieces end at every place of a part.
        const string Part = "Zoë said: \"naïve \u1E9E\"?! [MASK] unaffable ";
        int[] part = _bert.Encode(Part)[1..^1];
        int[] whole = _bert.Encode(string.Concat(Enumerable.Repeat(Part, 2000)));
        int[] expected = [_bert.ClassifyId, .. Enumerable.Repeat(part, 2000).SelectMany(ids => ids), _bert.SeparatorId];
        Assert.That(whole, Is.EqualTo(expected));
    }

    [Test]
    public void AHundredThousandWordsAreTruncatedWithoutReadingThemAll()
    {
        string text = string.Concat(Enumerable.Repeat("word ", 100_000));
        List<int> ids = new(256);
        _bert.Encode(text, ids, 128);
        ids.Clear();
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool isTruncated = _bert.Encode(text, ids, 128);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Multiple(() =>
        {
            Assert.That(isTruncated, Is.True);
            Assert.That(ids, Has.Count.EqualTo(128));
            Assert.That(ids, Is.EqualTo(_bert.Encode(text)[..127].Append(_bert.SeparatorId)));
            Assert.That(allocated, Is.LessThan(1000));
        });
    }

    [TestCase("a")]
    [TestCase("\u302E\U0001D165")]
    [TestCase("\u0301")]
    [TestCase("é")]
    public void AWordOfAMillionCharactersIsOneUnknown(string letters)
    {
        string text = string.Concat(Enumerable.Repeat(letters, 1_000_000 / letters.Length)) + "e the";
        string expected = letters == "\u0301" ? "e the" : "[UNK] the";
        Assert.That(_bert.TokensOf(text), Is.EqualTo(expected));
    }

    [TestCase("Hello, world! It's \"fine\".", "hello, world! it's \" fine \".")]
    [TestCase("don't you've we're I'm", "don't you've we're i'm")]
    [TestCase("unaffable [MASK] Zoë", "unaffable zoe")]
    public void DecodingJoinsPiecesAndClosesUpPunctuation(string text, string expected)
    {
        Assert.That(_bert.Decode(_bert.Encode(text)), Is.EqualTo(expected));
    }

    [Test]
    public void DecodingCanKeepSpecialTokensAndSpaces()
    {
        WordPieceTokenizer tokenizer = Vocabularies.Small(new() { CleanUpSpaces = false }, "a", "##b", "!");
        int[] ids = tokenizer.Encode("ab !");
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.Decode(ids, skipSpecialTokens: false), Is.EqualTo("[CLS] ab ! [SEP]"));
            Assert.That(tokenizer.Decode(ids), Is.EqualTo("ab !"));
            Assert.That(() => tokenizer.Decode([8]), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => tokenizer.Decode([-1]), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    [Test]
    public void ATextIsEncodedWithoutGarbageWhereItsWordsAreInTheVocabulary()
    {
        const string Sentence = "A man in a blue shirt is standing on a ladder, cleaning a window.";
        List<int> ids = new(64);
        _bert.Encode(Sentence, ids);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            ids.Clear();
            _bert.Encode(Sentence, ids, 64);
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }
}
