using System.IO.Compression;

namespace MnrEngine.Data.Preparation;

/// <summary>Writes rows of texts, each perhaps with a number behind them, in the format that the file's name tells.</summary>
internal abstract class RowWriter : IDisposable
{
    private static readonly ZLibCompressionOptions Compression = new() { CompressionLevel = 3 };

    /// <summary>Texts in which a tab or line break had to become a space.</summary>
    public long Flattened { get; private protected set; }

    /// <summary>Checks that a file's name tells a format that can be written.</summary>
    /// <exception cref="InputException">It doesn't.</exception>
    public static DataFormat FormatOf(string path)
    {
        DataFormat? format = DataFiles.Extension(path) == ".json" ? null : DataFiles.KnownFormat(path);
        if (format is null || (format == DataFormat.Parquet && IsGzip(path)))
        {
            throw new InputException($"the format of {path} can't be told from its name: use .tsv, .csv or .jsonl, each also with .gz, or .parquet");
        }

        return format.Value;
    }

    /// <summary>Begins a file.</summary>
    /// <param name="path">Its name, which tells the format.</param>
    /// <param name="stream">Where it goes; stays open.</param>
    /// <param name="texts">The names of the columns of text.</param>
    /// <param name="number">The name of the column of numbers, if there is one.</param>
    /// <param name="isInteger">Whether the numbers are whole ones.</param>
    public static RowWriter Create(string path, Stream stream, IReadOnlyList<string> texts, string? number, bool isInteger)
    {
        Stream target = IsGzip(path) ? new GZipStream(stream, Compression, leaveOpen: true) : stream;
        return FormatOf(path) switch
        {
            DataFormat.Parquet => new ParquetRowWriter(target, texts, number, isInteger),
            DataFormat.JsonLines => new JsonRowWriter(target, target != stream, texts, number),
            DataFormat.Csv => new DelimitedRowWriter(target, target != stream, isCsv: true, texts, number),
            _ => new DelimitedRowWriter(target, target != stream, isCsv: false, texts, number),
        };
    }

    /// <summary>Writes the next text of a row.</summary>
    public abstract void Text(ReadOnlySpan<char> text);

    /// <summary>Writes the number of a row, behind its texts.</summary>
    public abstract void Number(double number);

    /// <summary>Ends a row.</summary>
    public abstract void EndRow();

    /// <summary>Writes what is still held back.</summary>
    public abstract void Finish();

    /// <inheritdoc/>
    public abstract void Dispose();

    private static bool IsGzip(string path) => path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
}
