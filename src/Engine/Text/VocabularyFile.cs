using System.Text;

namespace MnrEngine.Text;

/// <summary>vocab.txt: one token a line, whose id is the line's number counted from 0.</summary>
internal static class VocabularyFile
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The tokens in the order of their ids.</summary>
    /// <exception cref="InputException">The file cannot be read, is empty or is not UTF-8.</exception>
    public static List<string> Read(string path)
    {
        byte[] bytes = TextFile.ReadAllBytes(path, "a vocabulary");
        List<string> tokens = [];
        for (ReadOnlySpan<byte> rest = bytes; !rest.IsEmpty;)
        {
            int end = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            line = line.EndsWith("\r"u8) ? line[..^1] : line;
            try
            {
                tokens.Add(s_strictUtf8.GetString(line));
            }
            catch (DecoderFallbackException error)
            {
                throw new InputException($"{path}, line {tokens.Count + 1}: found bytes that are not UTF-8, expected one token", error);
            }
        }

        return tokens.Count > 0 ? tokens : throw new InputException($"{path}: found an empty file, expected one token a line");
    }
}
