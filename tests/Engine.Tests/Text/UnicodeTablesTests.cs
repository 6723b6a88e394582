using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>Every code point is treated as fixtures/tokenizer/codepoints.json says Hugging Face's tokenizer does.</summary>
public sealed class UnicodeTablesTests
{
    private static readonly TokenizerOptions Untouched = new()
    {
        CleanText = false,
        TokenizeChineseChars = false,
        StripAccents = false,
        Lowercase = false,
    };

    private JsonObject _codePoints = null!;

    [OneTimeSetUp]
    public void Read() => _codePoints = JsonFile.ReadObject(Fixtures.Path("tokenizer", "codepoints.json"));

    [Test]
    public void CleaningRemovesControlsAndEvensOutSpaces()
    {
        HashSet<int> removed = Set("removed");
        HashSet<int> spaces = Set("space");
        AssertNormalized(Untouched with { CleanText = true }, (codePoint, text) =>
            removed.Contains(codePoint) ? "" : spaces.Contains(codePoint) ? " " : text);
    }

    [Test]
    public void ChineseCharactersStandAlone()
    {
        HashSet<int> chinese = Set("chinese");
        AssertNormalized(Untouched with { TokenizeChineseChars = true }, (codePoint, text) =>
            chinese.Contains(codePoint) ? $" {text} " : text);
    }

    [Test]
    public void LowerCasing()
    {
        Dictionary<int, string> lower = Map("lower");
        AssertNormalized(Untouched with { Lowercase = true }, (codePoint, text) => lower.GetValueOrDefault(codePoint, text));
    }

    [Test]
    public void StrippingDecomposesAndRemovesMarks()
    {
        HashSet<int> marks = Set("mark");
        Dictionary<int, string> decomposed = Map("nfd");
        AssertNormalized(Untouched with { StripAccents = true }, (codePoint, text) => string.Concat(
            decomposed.GetValueOrDefault(codePoint, text).EnumerateRunes().Where(rune => !marks.Contains(rune.Value))));
    }

    [Test]
    public void LowerCasingAfterStripping()
    {
        Dictionary<int, string> lowerStripped = Map("lower_strip");
        AssertNormalized(Untouched with { Lowercase = true, StripAccents = null }, (codePoint, text) =>
            lowerStripped.GetValueOrDefault(codePoint, text));
    }

    [Test]
    public void Decomposition()
    {
        Dictionary<int, string> decomposed = Map("nfd");
        Assert.Multiple(() =>
        {
            Span<char> decomposition = stackalloc char[UnicodeTables.LongestDecomposition];
            foreach ((int codePoint, string text) in CodePoints())
            {
                bool decomposes = (UnicodeTables.TraitsOf(codePoint) & CodePointTraits.Decomposes) != 0;
                string found = decomposes ? decomposition[..UnicodeTables.Decompose(codePoint, decomposition)].ToString() : text;
                string expected = decomposed.GetValueOrDefault(codePoint, text);
                if (found != expected)
                {
                    Assert.Fail($"U+{codePoint:X4}");
                }
            }
        });
    }

    [Test]
    public void PunctuationIsAWordOfItsOwn()
    {
        HashSet<int> punctuation = Set("split");
        HashSet<int> spaces = Set("space");
        WordPieceTokenizer tokenizer = Vocabularies.Small(Untouched with { CleanText = true }, "a");
        int[] oneWord = [tokenizer.ClassifyId, tokenizer.UnknownId, tokenizer.SeparatorId];
        int[] twoWords = tokenizer.Encode("a a");
        int[] threeWords = [twoWords[0], twoWords[1], tokenizer.UnknownId, .. twoWords[2..]];
        List<int> found = [];
        Assert.Multiple(() =>
        {
            foreach ((int codePoint, string text) in CodePoints())
            {
                int[] expected = spaces.Contains(codePoint) ? twoWords : punctuation.Contains(codePoint) ? threeWords : oneWord;
                found.Clear();
                tokenizer.Encode($"a{text}a", found);
                if (!CollectionsMarshal.AsSpan(found).SequenceEqual(expected))
                {
                    Assert.Fail($"U+{codePoint:X4} gives {string.Join(' ', tokenizer.Tokens(CollectionsMarshal.AsSpan(found)))}");
                }
            }
        });
    }

    private static void AssertNormalized(TokenizerOptions options, Func<int, string, string> expected)
    {
        BertNormalizer normalizer = new(options);
        NormalizedText normalized = new();
        Assert.Multiple(() =>
        {
            foreach ((int codePoint, string text) in CodePoints())
            {
                normalized.Clear();
                normalizer.Normalize(text, normalized);
                if (!normalized.Characters.SequenceEqual(expected(codePoint, text)))
                {
                    Assert.Fail($"U+{codePoint:X4} gives \"{normalized.Characters}\" instead of \"{expected(codePoint, text)}\"");
                }
            }
        });
    }

    private static IEnumerable<(int CodePoint, string Text)> CodePoints()
    {
        return Enumerable.Range(0, 0x110000).Where(Rune.IsValid).Select(codePoint => (codePoint, char.ConvertFromUtf32(codePoint)));
    }

    private HashSet<int> Set(string key)
    {
        return
        [
            .. _codePoints[key]!.AsArray().SelectMany(range =>
                Enumerable.Range(range![0]!.GetValue<int>(), range[1]!.GetValue<int>() - range[0]!.GetValue<int>() + 1)),
        ];
    }

    private Dictionary<int, string> Map(string key)
    {
        return _codePoints[key]!.AsObject().ToDictionary(
            entry => int.Parse(entry.Key, NumberStyles.HexNumber, CultureInfo.InvariantCulture), entry => entry.Value!.GetValue<string>());
    }
}
