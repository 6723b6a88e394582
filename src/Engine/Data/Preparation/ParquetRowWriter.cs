using Parquet;
using Parquet.Schema;

namespace MnrEngine.Data.Preparation;

/// <summary>Parquet with columns that are never null, as the hub's: texts, and 64-bit integers or doubles.</summary>
internal sealed class ParquetRowWriter : RowWriter
{
    // A row group is held in memory until it is full, here and in whatever reads it: some megabytes of sentences.
    private const int GroupRows = 1 << 14;

    private readonly ParquetWriter _writer;
    private readonly DataField<string>[] _textFields;
    private readonly DataField? _numberField;
    private readonly List<string>[] _texts;
    private readonly List<double> _numbers = [];
    private int _column;
    private int _rows;

    public ParquetRowWriter(Stream stream, IReadOnlyList<string> texts, string? number, bool isInteger)
    {
        _textFields = [.. texts.Select(static name => new DataField<string>(name, nullable: false))];
        _texts = [.. texts.Select(static _ => new List<string>(GroupRows))];
        _numberField = number is null ? null : isInteger ? new DataField<long>(number) : new DataField<double>(number);
        ParquetSchema schema = new([.. _textFields, .. _numberField is null ? (DataField[])[] : [_numberField]]);
        _writer = ParquetWriter.CreateAsync(schema, stream).GetAwaiter().GetResult();
    }

    public override void Text(ReadOnlySpan<char> text) => _texts[_column++].Add(text.ToString());

    public override void Number(double number) => _numbers.Add(number);

    public override void EndRow()
    {
        _column = 0;
        if (++_rows == GroupRows)
        {
            WriteGroup();
        }
    }

    /// <summary>Writes the last row group and, as the package does when its writer is disposed, the file's description.</summary>
    public override void Finish()
    {
        if (_rows > 0)
        {
            WriteGroup();
        }

        _writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    public override void Dispose()
    {
        // Without Finish there is nothing that anybody will read.
    }

    private void WriteGroup()
    {
        WriteGroupAsync().GetAwaiter().GetResult();
        Array.ForEach(_texts, static column => column.Clear());
        _numbers.Clear();
        _rows = 0;
    }

    private async Task WriteGroupAsync()
    {
        using ParquetRowGroupWriter group = _writer.CreateRowGroup();
        for (int i = 0; i < _texts.Length; i++)
        {
            await group.WriteAsync(_textFields[i], _texts[i]).ConfigureAwait(false);
        }

        if (_numberField?.ClrType == typeof(long))
        {
            await group.WriteAsync<long>(_numberField, _numbers.ConvertAll(static number => (long)number).ToArray()).ConfigureAwait(false);
        }
        else if (_numberField is not null)
        {
            await group.WriteAsync<double>(_numberField, _numbers.ToArray()).ConfigureAwait(false);
        }
    }
}
