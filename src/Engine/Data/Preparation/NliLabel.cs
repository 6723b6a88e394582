using System.Globalization;

namespace MnrEngine.Data.Preparation;

/// <summary>The relation of a hypothesis to its premise; the numbers are those of the hub's data sets.</summary>
internal enum NliLabel : byte
{
    /// <summary>The hypothesis follows from the premise.</summary>
    Entailment,

    /// <summary>It may be true or not.</summary>
    Neutral,

    /// <summary>It can't be true.</summary>
    Contradiction,

    /// <summary>There is no label.</summary>
    None,
}

/// <summary>Reads labels as publishers and the hub write them.</summary>
internal static class NliLabels
{
    /// <summary>Reads a label; false when it is none of those there are.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out NliLabel label)
    {
        text = text.Trim();
        label = text switch
        {
            "entailment" or "0" => NliLabel.Entailment,
            "neutral" or "1" => NliLabel.Neutral,
            "contradiction" or "2" => NliLabel.Contradiction,
            "-" or "-1" or "" => NliLabel.None,
            _ => Unusual(text),
        };
        return label <= NliLabel.None;
    }

    /// <summary>Capitals, and numbers written as fractions, which a table with empty fields makes of them.</summary>
    private static NliLabel Unusual(ReadOnlySpan<char> text)
    {
        const NliLabel Unknown = NliLabel.None + 1;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
        {
            return number switch
            {
                0 => NliLabel.Entailment,
                1 => NliLabel.Neutral,
                2 => NliLabel.Contradiction,
                -1 => NliLabel.None,
                _ => Unknown,
            };
        }

        return text.Equals("entailment", StringComparison.OrdinalIgnoreCase) ? NliLabel.Entailment
            : text.Equals("neutral", StringComparison.OrdinalIgnoreCase) ? NliLabel.Neutral
            : text.Equals("contradiction", StringComparison.OrdinalIgnoreCase) ? NliLabel.Contradiction
            : Unknown;
    }
}
