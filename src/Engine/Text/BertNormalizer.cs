using System.Buffers;
using System.Text;

namespace MnrEngine.Text;

/// <summary>
/// Hugging Face's BertNormalizer: cleaning, spaces around Chinese characters, canonical decomposition without non-spacing marks,
/// lower-casing; in that order, all in one pass.
/// </summary>
internal sealed class BertNormalizer(TokenizerOptions options)
{
    private static readonly SearchValues<char> AsciiControls = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Append(0x7F).Select(control => (char)control)]);

    private readonly bool _clean = options.CleanText;
    private readonly bool _parts = options.TokenizeChineseChars;
    private readonly bool _strips = options.StripAccents ?? options.Lowercase;
    private readonly bool _lowercases = options.Lowercase;

    /// <summary>
    /// Writes <paramref name="text"/>, normalised, after what <paramref name="output"/> holds. A surrogate without its partner,
    /// which no valid text contains, reads as U+FFFD.
    /// </summary>
    public void Normalize(ReadOnlySpan<char> text, NormalizedText output)
    {
        if (Ascii.IsValid(text) && !(_clean && text.ContainsAny(AsciiControls)))
        {
            Span<char> plain = output.Extend(text.Length);
            text.CopyTo(plain);
            if (_lowercases)
            {
                Ascii.ToLowerInPlace(plain, out _);
            }

            return;
        }

        while (!text.IsEmpty)
        {
            Rune.DecodeFromUtf16(text, out Rune rune, out int consumed);
            text = text[consumed..];
            AppendCleaned(rune.Value, output);
        }

        ReleaseHeld(output);
    }

    private void AppendCleaned(int codePoint, NormalizedText output)
    {
        CodePointTraits traits = UnicodeTables.TraitsOf(codePoint);
        if (_clean)
        {
            if ((traits & CodePointTraits.Removed) != 0)
            {
                return;
            }

            if ((traits & CodePointTraits.Whitespace) != 0)
            {
                AppendOrdered(' ', CodePointTraits.Whitespace, output);
                return;
            }
        }

        bool isParted = _parts && (traits & CodePointTraits.Chinese) != 0;
        if (isParted)
        {
            AppendOrdered(' ', CodePointTraits.Whitespace, output);
        }

        if (_strips && (traits & CodePointTraits.Decomposes) != 0)
        {
            Span<char> decomposition = stackalloc char[UnicodeTables.LongestDecomposition];
            foreach (Rune rune in decomposition[..UnicodeTables.Decompose(codePoint, decomposition)].EnumerateRunes())
            {
                AppendOrdered(rune.Value, UnicodeTables.TraitsOf(rune.Value), output);
            }
        }
        else
        {
            AppendOrdered(codePoint, traits, output);
        }

        if (isParted)
        {
            AppendOrdered(' ', CodePointTraits.Whitespace, output);
        }
    }

    // Canonical order matters only between combining characters that are not marks, since the marks go away; but any character of
    // class 0, a mark as well, bounds what is sorted.
    private void AppendOrdered(int codePoint, CodePointTraits traits, NormalizedText output)
    {
        if (!_strips)
        {
            AppendLowercased(codePoint, traits, output);
            return;
        }

        bool combines = (traits & CodePointTraits.Combining) != 0;
        if (!combines)
        {
            ReleaseHeld(output);
        }

        if ((traits & CodePointTraits.Mark) != 0)
        {
            return;
        }

        if (combines)
        {
            output.Held.Add((UnicodeTables.CombiningClassOf(codePoint), codePoint));
        }
        else
        {
            AppendLowercased(codePoint, traits, output);
        }
    }

    private void ReleaseHeld(NormalizedText output)
    {
        if (output.Held.Count == 0)
        {
            return;
        }

        // OrderBy keeps characters of one class in the order of the text, as canonical ordering asks.
        foreach ((_, int codePoint) in output.Held.OrderBy(held => held.CombiningClass))
        {
            AppendLowercased(codePoint, UnicodeTables.TraitsOf(codePoint), output);
        }

        output.Held.Clear();
    }

    private void AppendLowercased(int codePoint, CodePointTraits traits, NormalizedText output)
    {
        if (!_lowercases || (traits & CodePointTraits.HasLowercase) == 0)
        {
            output.Append(codePoint);
            return;
        }

        int lowercase = UnicodeTables.LowercaseOf(codePoint, out string? several);
        if (several is null)
        {
            output.Append(lowercase);
        }
        else
        {
            several.CopyTo(output.Extend(several.Length));
        }
    }
}
