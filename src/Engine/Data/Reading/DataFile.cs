namespace MnrEngine.Data.Reading;

/// <summary>Opens data files, compressed or not.</summary>
internal static class DataFile
{
    private const int GzipFirstByte = 0x1f;
    private const int GzipSecondByte = 0x8b;

    /// <summary>
    /// Opens a file for reading. One that begins with gzip's two magic bytes is decompressed whatever its name: no UTF-8 text can begin
    /// with them.
    /// </summary>
    /// <exception cref="InputException">The file is missing, a folder, empty, or may not be read.</exception>
    public static Stream Open(string path)
    {
        if (Directory.Exists(path))
        {
            throw new InputException($"{path} is a folder, but a data file was expected");
        }

        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"the data file {path} does not exist", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InputException($"the data file {path} cannot be read: {e.Message}", e);
        }

        try
        {
            return Decompressed(file, path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static Stream Decompressed(FileStream file, string path)
    {
        int first = file.ReadByte();
        if (first < 0)
        {
            throw new InputException($"the data file {path} is empty, but at least one row is needed");
        }

        bool gzip = first == GzipFirstByte && file.ReadByte() == GzipSecondByte;
        file.Position = 0;
        if (gzip)
        {
            return new WholeGzipStream(file, path);
        }

        if (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
        {
            throw new InputException($"{path} is not a gzip file, but its name ends with .gz");
        }

        return file;
    }
}
