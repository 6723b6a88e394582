using System.Security.Cryptography;
using System.Text;

namespace MnrEngine.Hub;

/// <summary>
/// Compares a content with what names it: 64 hexadecimal digits are its SHA-256, 40 are git's name for it, the SHA-1 of
/// <c>blob LENGTH\0</c> and the content.
/// </summary>
internal static class ContentCheck
{
    private const int Sha256Digits = 64;
    private const int GitDigits = 40;

    /// <summary>The sum that a file's content must have: its ETag if that is one, else what the list of files says, else null.</summary>
    public static string? Expected(string etag, HubFile listed) => IsSum(etag) ? etag : listed.Sha256 ?? (IsSum(listed.GitHash) ? listed.GitHash : null);

    /// <summary>What an expected sum is, for a sentence.</summary>
    public static string NameOf(string expected) => expected.Length == Sha256Digits ? "SHA-256" : "git hash";

    /// <summary>The sum of a content, of the kind that is expected.</summary>
    public static string Sum(Stream content, string expected)
    {
        content.Position = 0;
        using IncrementalHash hash = IncrementalHash.CreateHash(expected.Length == Sha256Digits ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (expected.Length == GitDigits)
        {
            hash.AppendData(Encoding.ASCII.GetBytes(FormattableString.Invariant($"blob {content.Length}\0")));
        }

        byte[] buffer = new byte[1 << 20];
        for (int read = content.Read(buffer); read > 0; read = content.Read(buffer))
        {
            hash.AppendData(buffer, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static bool IsSum(string text) => text.Length is Sha256Digits or GitDigits && text.All(char.IsAsciiHexDigitLower);
}
