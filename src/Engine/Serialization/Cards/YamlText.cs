using System.Globalization;
using System.Text;

namespace MnrEngine.Serialization;

/// <summary>Writes any text as a YAML scalar on one line.</summary>
internal static class YamlText
{
    /// <summary>What YAML would not read as text though it looks like it.</summary>
    private static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase) { "null", "true", "false", "yes", "no", "on", "off", "y", "n" };

    /// <summary>
    /// The text as it is where that is plainly a text, otherwise in double quotes. Line breaks, control characters and everything else
    /// that YAML does not allow in a document are escaped; half of a surrogate pair, which no encoding can hold, becomes U+FFFD.
    /// </summary>
    public static string Scalar(string text)
    {
        bool plain = text.Length > 0 && char.IsAsciiLetter(text[0]) && !Reserved.Contains(text)
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '/' or '.');
        if (plain)
        {
            return text;
        }

        StringBuilder quoted = new("\"");
        foreach (Rune rune in text.EnumerateRunes())
        {
            Append(quoted, rune);
        }

        return quoted.Append('"').ToString();
    }

    private static void Append(StringBuilder quoted, Rune rune)
    {
        int value = rune.Value;
        if (value is '"' or '\\')
        {
            quoted.Append('\\').Append((char)value);
        }
        else if (value is '\n')
        {
            quoted.Append("\\n");
        }
        else if (value is >= 0x20 and < 0x7F || value is >= 0xA0 and <= 0xD7FF and not (0x2028 or 0x2029) || value is >= 0xE000 and <= 0xFFFD and not 0xFEFF || value >= 0x10000)
        {
            quoted.Append(rune);
        }
        else
        {
            quoted.Append(CultureInfo.InvariantCulture, $"\\u{value:X4}");
        }
    }
}
