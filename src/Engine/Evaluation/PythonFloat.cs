using System.Globalization;

namespace MnrEngine.Evaluation;

/// <summary>Numbers as Python writes them, for files that sentence-transformers' users read with their own tools.</summary>
public static class PythonFloat
{
    // From here on, and below 1e-4, Python writes an exponent.
    private const int FirstExponent = 16;
    private const int LastNegativeExponent = -4;

    /// <summary><c>repr(value)</c>: the fewest digits that read back as the same double, as in 0.5, 1.0, 1e-05 and nan.</summary>
    public static string Repr(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        // .NET finds the same shortest digits; only the place of the point differs.
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        int mark = shortest.IndexOf('E', StringComparison.Ordinal);
        string sign = shortest[0] == '-' ? "-" : "";
        string mantissa = (mark < 0 ? shortest : shortest[..mark])[sign.Length..];
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        if (digits.Length == 0)
        {
            return sign + "0.0";
        }

        int exponent = ExponentOf(mantissa) + (mark < 0 ? 0 : int.Parse(shortest[(mark + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
        return sign + (exponent is < LastNegativeExponent or >= FirstExponent ? WithExponent(digits, exponent) : WithPoint(digits, exponent));
    }

    /// <summary>The power of ten of a decimal number's first digit other than 0.</summary>
    private static int ExponentOf(string mantissa)
    {
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        int whole = point < 0 ? mantissa.Length : point;
        int first = mantissa.AsSpan().IndexOfAnyInRange('1', '9');
        return first < whole ? whole - first - 1 : whole - first;
    }

    private static string WithExponent(string digits, int exponent)
    {
        string mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
        return string.Create(CultureInfo.InvariantCulture, $"{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }

    private static string WithPoint(string digits, int exponent)
    {
        if (exponent < 0)
        {
            return "0." + new string('0', -exponent - 1) + digits;
        }

        string padded = digits.PadRight(exponent + 1, '0');
        string fraction = padded[(exponent + 1)..];
        return padded[..(exponent + 1)] + "." + (fraction.Length == 0 ? "0" : fraction);
    }
}
