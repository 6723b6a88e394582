using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>What normalisation does to texts of more than one code point; single ones are in <see cref="UnicodeTablesTests"/>.</summary>
public sealed class BertNormalizerTests
{
    // U+302E has class 224, U+1D16D has 226 and U+1D165 has 216; none of them is a non-spacing mark. U+0308 is one, of class 230;
    // U+0B41 is one of class 0.
    [TestCase("\U0001D16D\u302E\U0001D165", "\U0001D165\u302E\U0001D16D", TestName = "{m}: sorted by class")]
    [TestCase("\U0001D165\u302E\U0001D16E\u302F", "\U0001D165\U0001D16E\u302E\u302F", TestName = "{m}: those of one class keep their order")]
    [TestCase("\U0001D16D\u0308\u302E", "\u302E\U0001D16D", TestName = "{m}: marks do not bound what is sorted")]
    [TestCase("\U0001D16D\u0B41\u302E", "\U0001D16D\u302E", TestName = "{m}: marks of class 0 do")]
    [TestCase("\U0001D16D\u0000\u302E", "\u302E\U0001D16D", TestName = "{m}: what cleaning removes does not")]
    [TestCase("\U0001D16Da\u302E", "\U0001D16Da\u302E", TestName = "{m}: letters do")]
    public void CombiningCharactersComeInCanonicalOrder(string text, string expected)
    {
        Assert.That(Normalize(text, TokenizerOptions.Bert), Is.EqualTo(expected));
    }

    [Test]
    public void WithoutStrippingTheOrderStays()
    {
        TokenizerOptions options = new() { StripAccents = false };
        Assert.That(Normalize("\U0001D16D\u302E\u0041\u0301", options), Is.EqualTo("\U0001D16D\u302Ea\u0301"));
    }

    [Test]
    public void HalfASurrogatePairIsRemovedLikeTheReplacementCharacter()
    {
        Assert.That(Normalize("a\uD800b\uDC00", TokenizerOptions.Bert), Is.EqualTo("ab"));
    }

    [Test]
    public void AMillionCombiningCharactersAreSortedInReasonableTime()
    {
        string text = string.Concat(Enumerable.Repeat("\u302E\U0001D165", 500_000));
        string expected = string.Concat(Enumerable.Repeat("\U0001D165", 500_000)) + new string('\u302E', 500_000);
        Assert.That(Normalize(text, TokenizerOptions.Bert) == expected, Is.True);
    }

    private static string Normalize(string text, TokenizerOptions options)
    {
        NormalizedText normalized = new();
        new BertNormalizer(options).Normalize(text, normalized);
        return normalized.Characters.ToString();
    }
}
