using MnrEngine.Data.Reading;

namespace MnrEngine.Data.Preparation;

/// <summary>A file to read rows from, which may lie in a zip file.</summary>
/// <param name="Name">What it is called in reports and errors.</param>
/// <param name="Path">The file on the disk.</param>
/// <param name="Split">Which rows are wanted where a column names their split.</param>
/// <param name="Open">Opens it, decompressed.</param>
internal sealed record InputFile(string Name, string Path, string Split, Func<Stream> Open)
{
    /// <summary>The files that an input means. One that doesn't exist is told when it is opened.</summary>
    /// <exception cref="InputException">It means none, or is a zip file that is refused.</exception>
    public static IReadOnlyList<InputFile> Find(string input, string split) =>
        input.EndsWith(".zip", StringComparison.OrdinalIgnoreCase) && !Directory.Exists(input)
            ? ZipInput.Entries(input, split, ZipLimits.Default)
            : [.. DataFiles.Find(input, split).Select(path => new InputFile(path, path, split, () => DataFile.Open(path)))];

    /// <summary>Reads as far as the header or first row. What has to be decompressed is, on another thread, while rows are taken apart on this one.</summary>
    /// <exception cref="InputException">The file can't be read or its format can't be told.</exception>
    public TableReader OpenTable(DatasetSource source, Func<IReadOnlyList<string>, bool> isHeader)
    {
        DataFormat format = source.Format ?? TableReader.FormatOf(Name);
        Stream stream = Open();
        if (format == DataFormat.Parquet && !stream.CanSeek && Name.Contains(".zip:", StringComparison.OrdinalIgnoreCase))
        {
            stream.Dispose();
            throw new InputException($"{Name} is Parquet in a zip file, which can't be read in parts: take it out first, Parquet is compressed inside");
        }

        return TableReader.Open(source, format, stream.CanSeek || format == DataFormat.Parquet ? stream : new ReadAheadStream(stream), isHeader);
    }
}
