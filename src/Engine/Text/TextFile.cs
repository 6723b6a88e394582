namespace MnrEngine.Text;

/// <summary>Reads the tokenizer's files, with the errors that a user can act on.</summary>
internal static class TextFile
{
    /// <summary>The bytes of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">What it should be, for the message: "a vocabulary".</param>
    /// <exception cref="InputException">The file is missing or cannot be read.</exception>
    public static byte[] ReadAllBytes(string path, string expected)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: found no such file, expected {expected}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read ({error.Message}), expected {expected}", error);
        }
    }
}
