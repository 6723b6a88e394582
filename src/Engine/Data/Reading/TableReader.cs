using System.Text;

namespace MnrEngine.Data.Reading;

/// <summary>
/// Reads a data file row by row, whatever its format: first the columns there are, then, once those wanted are chosen with
/// <see cref="Bind"/>, the rows.
/// </summary>
internal abstract class TableReader : IDisposable
{
    private protected TableReader(string path)
    {
        Path = path;
    }

    /// <summary>The file, as the user named it.</summary>
    public string Path { get; }

    /// <summary>The names of the columns (of the keys of the first object); null when the file has no header line.</summary>
    public abstract IReadOnlyList<string>? Names { get; }

    /// <summary>The fields of the first row; null where columns have names only and no positions.</summary>
    public abstract IReadOnlyList<string>? FirstRow { get; }

    /// <summary>The line on which the current row begins, counted from 1.</summary>
    public abstract long Line { get; }

    /// <summary>Whether the line of the current row is empty or white space.</summary>
    public abstract bool IsBlankLine { get; }

    /// <summary>Opens a file and reads as far as its header or first row.</summary>
    /// <param name="source">The file.</param>
    /// <param name="isHeader">Recognises a header line where the source doesn't say whether there is one.</param>
    /// <exception cref="InputException">The file can't be read or its format can't be told.</exception>
    public static TableReader Open(DatasetSource source, Func<IReadOnlyList<string>, bool> isHeader)
    {
        DataFormat format = source.Format ?? FormatOf(source.Path);
        return Open(source, format, DataFile.Open(source.Path), isHeader);
    }

    /// <summary>Reads as far as the header or first row of what is open already, and closes it in the end.</summary>
    public static TableReader Open(DatasetSource source, DataFormat format, Stream stream, Func<IReadOnlyList<string>, bool> isHeader)
    {
        try
        {
            return format switch
            {
                DataFormat.JsonLines => new JsonLinesReader(source, stream),
                DataFormat.Parquet => new ParquetTableReader(source, stream),
                _ => new DelimitedReader(source, format, stream, isHeader),
            };
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Bytes of the largest row. One that is larger is no data: a quotation mark that is never closed makes the rest of a file one row, and a small
    /// compressed file may unpack to one that fills the memory.
    /// </summary>
    private protected const int LargestRow = 256 << 20;

    /// <summary>Chooses the columns that rows give, by their positions among <see cref="Names"/> or in <see cref="FirstRow"/>.</summary>
    /// <param name="columns">The columns, texts first.</param>
    /// <param name="texts">How many of them are texts; the others may also be numbers or null in JSON.</param>
    public abstract void Bind(IReadOnlyList<int> columns, int texts);

    /// <summary>Goes to the next row; false at the end.</summary>
    /// <exception cref="InputException">The row is malformed or lacks a chosen column.</exception>
    public abstract bool Read();

    /// <summary>A field of the current row: that of the chosen column at <paramref name="index"/>. Valid until the next call of this method.</summary>
    public abstract ReadOnlySpan<char> Field(int index);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>An error in a line of this file: <paramref name="what"/> says what was found and what was expected.</summary>
    public InputException ErrorAt(long line, string what, Exception? inner = null) =>
        inner is null ? new InputException($"{Path}, {LineWord} {line}: {what}") : new InputException($"{Path}, {LineWord} {line}: {what}", inner);

    /// <summary>What <see cref="Line"/> counts.</summary>
    private protected virtual string LineWord => "line";

    /// <summary>The error for bytes that are not UTF-8; counts lines on from <paramref name="firstLine"/>, that of the first byte.</summary>
    private protected InputException InvalidUtf8(ReadOnlySpan<byte> bytes, long firstLine)
    {
        int valid = 0;
        while (Rune.DecodeFromUtf8(bytes[valid..], out _, out int length) == System.Buffers.OperationStatus.Done)
        {
            valid += length;
        }

        long line = firstLine + bytes[..valid].Count((byte)'\n');
        int column = valid - (bytes[..valid].LastIndexOf((byte)'\n') + 1) + 1;
        return ErrorAt(line, $"byte {column} (0x{bytes[valid]:x2}) is not valid UTF-8, but data files must be UTF-8 text");
    }

    /// <summary>The format that a file's extension tells.</summary>
    /// <exception cref="InputException">It tells none, or the file doesn't exist, which says more.</exception>
    public static DataFormat FormatOf(string path)
    {
        string extension = DataFiles.Extension(path);
        return DataFiles.KnownFormat(path) ?? throw new InputException(!File.Exists(path) ? $"the data file {path} does not exist"
            : extension == ".zip"
            ? $"{path} is a zip file, which only prepare reads: MnrEngine prepare {path} --to pairs -o pairs.tsv makes a data file of it"
            : $"the format of {path} can't be told from its {(extension.Length == 0 ? "name, which has no extension" : $"extension '{extension}'")}: " +
                "let its name end with .tsv, .csv, .jsonl or .parquet, or name the format (a config's format, prepare's --format)");
    }
}
