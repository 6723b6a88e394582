using System.Text;
using MnrEngine.Text;

namespace MnrEngine.Data.Sampling;

/// <summary>What Python's string methods do, as far as the old data loader and the example scripts use them.</summary>
internal static class PythonText
{
    /// <summary>
    /// <c>text.strip().lower()</c>, but for one rule: Python writes a capital sigma at the end of a word as ς, here it is always σ.
    /// </summary>
    public static string StripAndLower(string text)
    {
        string stripped = Strip(text).ToString();
        return Ascii.IsValid(stripped) ? stripped.ToLowerInvariant() : Lower(stripped);
    }

    /// <summary><c>text.strip()</c>.</summary>
    public static ReadOnlySpan<char> Strip(ReadOnlySpan<char> text)
    {
        int start = 0;
        int end = text.Length;
        while (start < end && IsSpace(text[start]))
        {
            start++;
        }

        while (end > start && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[start..end];
    }

    /// <summary>What <c>str.isspace()</c> holds for: .NET's white space and the four separators from U+001C.</summary>
    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f';

    private static string Lower(string text)
    {
        StringBuilder lower = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (!UnicodeTables.TraitsOf(rune.Value).HasFlag(CodePointTraits.HasLowercase))
            {
                lower.Append(rune.ToString());
                continue;
            }

            int single = UnicodeTables.LowercaseOf(rune.Value, out string? several);
            lower.Append(several ?? new Rune(single).ToString());
        }

        return lower.ToString();
    }
}
