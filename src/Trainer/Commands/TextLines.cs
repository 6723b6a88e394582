using System.Text;

namespace MnrEngine.Trainer.Commands;

/// <summary>Reads the lines of a text file or of standard input.</summary>
internal static class TextLines
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The lines, one after the other.</summary>
    /// <param name="path">The file; null or - for standard input.</param>
    /// <exception cref="InputException">The file is missing or can't be read, or a line is not UTF-8.</exception>
    public static IEnumerable<string> Read(string? path)
    {
        string name = path is null or "-" ? "standard input" : path;
        using StreamReader reader = new(path is null or "-" ? Console.OpenStandardInput() : Open(path), Strict);
        long number = 0;
        while (ReadLine(reader, name, ++number) is string line)
        {
            yield return line;
        }
    }

    private static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException(
                error is FileNotFoundException or DirectoryNotFoundException ? $"there is no file {path}" : $"{path} can't be read: {error.Message}", error);
        }
    }

    private static string? ReadLine(StreamReader reader, string name, long number)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (DecoderFallbackException error)
        {
            throw new InputException($"{name}: there are bytes that are not valid UTF-8 in or after line {number}", error);
        }
    }
}
