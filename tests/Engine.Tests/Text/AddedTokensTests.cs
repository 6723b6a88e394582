using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>Added tokens are found as Hugging Face's tokenizers find them.</summary>
public sealed class AddedTokensTests
{
    [TestCase("a[MASK]b", "a [MASK] b")]
    [TestCase("[mask]", "[UNK] [UNK] [UNK]")]
    [TestCase("[[MASK]]", "[UNK] [MASK] [UNK]")]
    [TestCase("[CLS][SEP] [PAD]", "[CLS] [SEP] [PAD]")]
    public void SpecialTokensAreFoundAsTheyStand(string text, string expected)
    {
        Assert.That(Vocabularies.Small(TokenizerOptions.Bert, "a", "b").TokensOf(text), Is.EqualTo(expected));
    }

    [Test]
    public void OfSeveralMatchesTheLeftmostAndThereTheLongestCounts()
    {
        WordPieceTokenizer tokenizer = Tokenizer(new AddedToken("<x"), new AddedToken("<xyz>"), new AddedToken("yz>a"));
        Assert.That(tokenizer.TokensOf("<xyz>a <xyz <xyyz>a"), Is.EqualTo("<xyz> a <x [UNK] <x [UNK] yz>a"));
    }

    [TestCase("a <x>", true)]
    [TestCase("-<x>.", true)]
    [TestCase("a<x>", false)]
    [TestCase("<x>1", false)]
    [TestCase("<x>_", false)]
    [TestCase("<x>\u0308", false)]
    [TestCase("<x>\U00010428", false)]
    [TestCase("\U00010428<x>", false)]
    [TestCase("\u24B6<x>", false)]
    public void ASingleWordTouchesNoOther(string text, bool isFound)
    {
        WordPieceTokenizer tokenizer = Tokenizer(new AddedToken("<x>") { SingleWord = true });
        Assert.That(tokenizer.TokensOf(text).Split(' ').Contains("<x>"), Is.EqualTo(isFound));
    }

    [Test]
    public void StrippingTakesWhiteSpaceAlong()
    {
        WordPieceTokenizer tokenizer = Tokenizer(
            new AddedToken("<l>") { LeftStrip = true, Normalized = true },
            new AddedToken("<r>") { RightStrip = true, Normalized = true },
            new AddedToken(" b") { Normalized = true },
            new AddedToken("a "));

        // White space becomes visible by tokens that begin or end with it.
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.TokensOf("a <l>"), Is.EqualTo("a  <l>"));
            Assert.That(tokenizer.TokensOf("b \u3000<l> b"), Is.EqualTo("b <l>  b"));
            Assert.That(tokenizer.TokensOf("<r>\t b"), Is.EqualTo("<r>  b"));
        });
    }

    [Test]
    public void ANormalizedTokenIsFoundInTheNormalizedText()
    {
        WordPieceTokenizer tokenizer = Tokenizer(new AddedToken("Café") { Normalized = true, Special = false });
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.TokensOf("a CAFÉ a"), Is.EqualTo("a Café a"));
            Assert.That(tokenizer.TokensOf("acafea"), Is.EqualTo("a Café a"));
        });
    }

    [Test]
    public void ATokenThatTheVocabularyLacksFollowsItAndSpellsNoWord()
    {
        WordPieceTokenizer tokenizer = Tokenizer(new AddedToken("New") { Special = false });
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.VocabularySize, Is.EqualTo(8));
            Assert.That(tokenizer.IdOf("New"), Is.EqualTo(7));
            Assert.That(tokenizer.TokensOf("New a"), Is.EqualTo("New a"));
            Assert.That(tokenizer.TokensOf("new"), Is.EqualTo("[UNK]"));
        });
    }

    private static WordPieceTokenizer Tokenizer(params AddedToken[] addedTokens)
    {
        return Vocabularies.Small(new() { AddedTokens = addedTokens }, "a", "b");
    }
}
