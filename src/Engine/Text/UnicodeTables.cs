using System.Globalization;
using System.Text;

namespace MnrEngine.Text;

/// <summary>What a BERT tokenizer has to know of a code point; combined as flags.</summary>
[Flags]
internal enum CodePointTraits : byte
{
    /// <summary>A letter or sign like any other.</summary>
    None = 0,

    /// <summary>Cleaning removes it: control, format and private-use characters, and U+FFFD.</summary>
    Removed = 1 << 0,

    /// <summary>White space.</summary>
    Whitespace = 1 << 1,

    /// <summary>In the blocks that BERT calls Chinese.</summary>
    Chinese = 1 << 2,

    /// <summary>Punctuation, which is a word of its own.</summary>
    Punctuation = 1 << 3,

    /// <summary>A non-spacing mark, which accent stripping removes.</summary>
    Mark = 1 << 4,

    /// <summary>Its canonical combining class is not 0.</summary>
    Combining = 1 << 5,

    /// <summary>It has a canonical decomposition.</summary>
    Decomposes = 1 << 6,

    /// <summary>Its lower-case form is another.</summary>
    HasLowercase = 1 << 7,
}

/// <summary>
/// Unicode as Hugging Face's BERT tokenizer sees it: categories, canonical decomposition and order, lower-casing. The program runs
/// without ICU, where string.Normalize does nothing and lower-casing knows no U+0130, and the reference mixes several versions of
/// Unicode besides; so the tables are our own, written by tools/generate-unicode-tables.cs.
/// </summary>
internal static partial class UnicodeTables
{
    private const int CodePoints = 0x110000;
    private const int HangulFirst = 0xAC00;
    private const int HangulLast = 0xD7A3;

    private static readonly CodePointTraits[] TraitsByCodePoint = new CodePointTraits[CodePoints];
    private static readonly Dictionary<int, int> LowercaseByCodePoint = [];
    private static readonly Dictionary<int, string> LongLowercaseByCodePoint = [];
    private static readonly Dictionary<int, string> DecompositionsByCodePoint = [];
    private static readonly Dictionary<int, int> CombiningClassesByCodePoint = [];

    static UnicodeTables()
    {
        Mark(Removed, CodePointTraits.Removed);
        Mark(Whitespace, CodePointTraits.Whitespace);
        Mark(Chinese, CodePointTraits.Chinese);
        Mark(Punctuation, CodePointTraits.Punctuation);
        Mark(Marks, CodePointTraits.Mark);
        TraitsByCodePoint.AsSpan(HangulFirst, HangulLast - HangulFirst + 1).Fill(CodePointTraits.Decomposes);
        for (ReadOnlySpan<byte> table = CombiningClasses; Next(ref table, out int first, out int last, out ReadOnlySpan<byte> value);)
        {
            for (int codePoint = first; codePoint <= last; codePoint++)
            {
                CombiningClassesByCodePoint.Add(codePoint, int.Parse(value, CultureInfo.InvariantCulture));
                TraitsByCodePoint[codePoint] |= CodePointTraits.Combining;
            }
        }

        for (ReadOnlySpan<byte> table = SimpleLowercase; Next(ref table, out int first, out int last, out ReadOnlySpan<byte> value);)
        {
            int step = value[0] - '0';
            int difference = int.Parse(value[1..], CultureInfo.InvariantCulture);
            for (int codePoint = first; codePoint <= last; codePoint += step)
            {
                LowercaseByCodePoint.Add(codePoint, codePoint + difference);
                TraitsByCodePoint[codePoint] |= CodePointTraits.HasLowercase;
            }
        }

        ReadMappings(LongLowercase, LongLowercaseByCodePoint, CodePointTraits.HasLowercase);
        ReadMappings(Decompositions, DecompositionsByCodePoint, CodePointTraits.Decomposes);
    }

    /// <summary>The traits of a code point from 0 to U+10FFFF.</summary>
    public static CodePointTraits TraitsOf(int codePoint)
    {
        return TraitsByCodePoint[codePoint];
    }

    /// <summary>The canonical combining class of a code point whose traits say that it combines.</summary>
    public static int CombiningClassOf(int codePoint)
    {
        return CombiningClassesByCodePoint[codePoint];
    }

    /// <summary>
    /// The lower-case form of a code point whose traits say that it has one, when that is a single code point; otherwise the form
    /// is <paramref name="several"/> and the result is 0.
    /// </summary>
    public static int LowercaseOf(int codePoint, out string? several)
    {
        several = null;
        if (LowercaseByCodePoint.TryGetValue(codePoint, out int lowercase))
        {
            return lowercase;
        }

        several = LongLowercaseByCodePoint[codePoint];
        return 0;
    }

    /// <summary>
    /// Writes the full canonical decomposition of a code point whose traits say that it has one, and returns its length in UTF-16
    /// units. <paramref name="decomposition"/> has room for <see cref="LongestDecomposition"/>.
    /// </summary>
    public static int Decompose(int codePoint, Span<char> decomposition)
    {
        if (codePoint is >= HangulFirst and <= HangulLast)
        {
            // The Unicode Standard, section 3.12: 19 leading consonants x 21 vowels x 27 trailing consonants or none.
            const int Vowels = 21;
            const int Trails = 28;
            int syllable = codePoint - HangulFirst;
            decomposition[0] = (char)(0x1100 + syllable / (Vowels * Trails));
            decomposition[1] = (char)(0x1161 + syllable % (Vowels * Trails) / Trails);
            decomposition[2] = (char)(0x11A7 + syllable % Trails);
            return syllable % Trails == 0 ? 2 : 3;
        }

        string text = DecompositionsByCodePoint[codePoint];
        text.CopyTo(decomposition);
        return text.Length;
    }

    /// <summary>The most UTF-16 units that <see cref="Decompose"/> writes: four code points, each at most two units.</summary>
    public const int LongestDecomposition = 8;

    private static void Mark(ReadOnlySpan<byte> table, CodePointTraits trait)
    {
        while (Next(ref table, out int first, out int last, out _))
        {
            for (int codePoint = first; codePoint <= last; codePoint++)
            {
                TraitsByCodePoint[codePoint] |= trait;
            }
        }
    }

    private static void ReadMappings(ReadOnlySpan<byte> table, Dictionary<int, string> mappings, CodePointTraits trait)
    {
        StringBuilder target = new();
        while (Next(ref table, out int from, out _, out ReadOnlySpan<byte> value))
        {
            target.Clear();
            foreach (Range part in value.Split((byte)'+'))
            {
                target.Append(new Rune(ParseHex(value[part])).ToString());
            }

            mappings.Add(from, target.ToString());
            TraitsByCodePoint[from] |= trait;
        }
    }

    // Takes the next entry off a table: "first-last", "first-last=value", "first-last/value" or "first=value", parted by white space.
    private static bool Next(ref ReadOnlySpan<byte> table, out int first, out int last, out ReadOnlySpan<byte> value)
    {
        table = table.TrimStart(" \r\n"u8);
        int length = table.IndexOfAny(" \r\n"u8);
        ReadOnlySpan<byte> entry = length < 0 ? table : table[..length];
        table = table[entry.Length..];
        int keyLength = entry.IndexOfAny("=/"u8);
        ReadOnlySpan<byte> key = keyLength < 0 ? entry : entry[..keyLength];
        value = keyLength < 0 ? [] : entry[(keyLength + 1)..];
        int dash = key.IndexOf((byte)'-');
        first = key.IsEmpty ? 0 : ParseHex(dash < 0 ? key : key[..dash]);
        last = dash < 0 ? first : ParseHex(key[(dash + 1)..]);
        return !entry.IsEmpty;
    }

    private static int ParseHex(ReadOnlySpan<byte> digits)
    {
        return int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
