using System.Buffers;
using System.Globalization;
using System.Text;

namespace MnrEngine.Text;

/// <summary>
/// Finds added tokens in a text as Hugging Face's tokenizers do: the leftmost match, of several there the longest, none overlapping
/// the one before.
/// </summary>
internal sealed class AddedTokenMatcher
{
    private readonly (string Pattern, AddedToken Token, int Id)[] _longestFirst;
    private readonly SearchValues<char> _firstCharacters;

    /// <summary>Looks for these patterns, none of them empty.</summary>
    public AddedTokenMatcher(IEnumerable<(string Pattern, AddedToken Token, int Id)> patterns)
    {
        _longestFirst = [.. patterns.OrderByDescending(entry => entry.Pattern.Length)];
        _firstCharacters = SearchValues.Create([.. _longestFirst.Select(entry => entry.Pattern[0])]);
    }

    /// <summary>Whether there is nothing to find.</summary>
    public bool IsEmpty => _longestFirst.Length == 0;

    /// <summary>
    /// The first added token of <paramref name="text"/> from <paramref name="search"/> on; false when there is none. The part before
    /// <paramref name="taken"/> belongs to the match before, so stripping white space stops there.
    /// </summary>
    public bool TryFind(ReadOnlySpan<char> text, int taken, ref int search, out AddedTokenMatch match)
    {
        while (search < text.Length)
        {
            int ahead = text[search..].IndexOfAny(_firstCharacters);
            if (ahead < 0)
            {
                break;
            }

            int start = search + ahead;
            if (!TryMatchAt(text, start, out (string Pattern, AddedToken Token, int Id) found))
            {
                search = start + 1;
                continue;
            }

            int end = search = start + found.Pattern.Length;
            if (found.Token.SingleWord && (EndsWithWordCharacter(text[..start]) || StartsWithWordCharacter(text[end..])))
            {
                continue;
            }

            if (found.Token.LeftStrip)
            {
                start = text[..start].TrimEnd().Length;
            }

            if (found.Token.RightStrip)
            {
                end = text.Length - text[end..].TrimStart().Length;
            }

            match = new AddedTokenMatch(Math.Max(start, taken), Math.Max(end, taken), found.Id);
            return true;
        }

        match = default;
        return false;
    }

    private bool TryMatchAt(ReadOnlySpan<char> text, int start, out (string Pattern, AddedToken Token, int Id) found)
    {
        foreach ((string Pattern, AddedToken Token, int Id) entry in _longestFirst)
        {
            if (text[start..].StartsWith(entry.Pattern, StringComparison.Ordinal))
            {
                found = entry;
                return true;
            }
        }

        found = default;
        return false;
    }

    private static bool EndsWithWordCharacter(ReadOnlySpan<char> text)
    {
        return Rune.DecodeLastFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && IsWordCharacter(rune);
    }

    private static bool StartsWithWordCharacter(ReadOnlySpan<char> text)
    {
        return Rune.DecodeFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && IsWordCharacter(rune);
    }

    // What a Unicode regular expression calls \w: alphabetic characters (circled and squared letters among them), marks, decimal
    // digits, connectors such as the underscore, and the two joiners.
    private static bool IsWordCharacter(Rune rune)
    {
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber
                or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
                or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation => true,
            _ => rune.Value is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9)
                or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
        };
    }
}

/// <summary>Where an added token stands in a text, stripped white space included, and its id.</summary>
internal readonly record struct AddedTokenMatch(int Start, int End, int Id);
