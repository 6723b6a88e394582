using System.Text;

namespace MnrEngine.Text;

/// <summary>vocab.txt: one token a line, whose id is the line's number counted from 0.</summary>
internal static class VocabularyFile
{
    public const string Name = "vocab.txt";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The tokens in the order of their ids.</summary>
    /// <exception cref="InputException">The file cannot be read, is empty or is not UTF-8.</exception>
    public static List<string> Read(string path)
    {
        List<string> tokens = [];
        for (ReadOnlySpan<byte> rest = ReadBytes(path); !rest.IsEmpty;)
        {
            int end = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            line = line.EndsWith("\r"u8) ? line[..^1] : line;
            try
            {
                tokens.Add(StrictUtf8.GetString(line));
            }
            catch (DecoderFallbackException error)
            {
                throw new InputException($"line {tokens.Count + 1} of {path} is not valid UTF-8", error);
            }
        }

        return tokens.Count > 0 ? tokens : throw new InputException($"{path} is empty where a vocabulary, one token a line, is expected");
    }

    /// <summary>Writes the tokens in the order of their ids.</summary>
    public static void Write(string path, IEnumerable<string> tokens)
    {
        using StreamWriter writer = new(path, append: false, StrictUtf8) { NewLine = "\n" };
        foreach (string token in tokens)
        {
            writer.WriteLine(token);
        }
    }

    private static byte[] ReadBytes(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path} does not exist", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} can't be read: {error.Message}", error);
        }
    }
}
