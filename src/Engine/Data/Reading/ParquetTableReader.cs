using System.Buffers.Binary;
using Parquet;
using Parquet.Schema;

namespace MnrEngine.Data.Reading;

/// <summary>
/// Reads Parquet row group by row group, and of each only the chosen columns. Numbers and truth values are given as text, so that labels and
/// scores read as they do from other formats. What damaged files make Parquet.Net throw, of whatever kind, is the user's error here.
/// </summary>
internal sealed class ParquetTableReader : TableReader
{
    private static readonly byte[] Magic = "PAR1"u8.ToArray();

    private readonly ReadOnceStream _stream;
    private readonly ParquetReader _file;
    private readonly Field[] _fields;
    private readonly Dictionary<string, IReadOnlyList<string>> _classNames;
    private ParquetColumn[] _columns = [];
    private int _texts;
    private int _nextGroup;
    private long _rowsLeft;

    public ParquetTableReader(DatasetSource source, Stream stream)
        : base(source.Path)
    {
        if (source.Delimiter is not null || source.HasHeader is not null)
        {
            throw new InputException($"{Path} is read as Parquet, which has neither a delimiter nor a header line, but one is set for it");
        }

        if (!stream.CanSeek)
        {
            throw new InputException($"{Path} is Parquet compressed with gzip, which can't be read in parts: decompress it, Parquet is compressed inside");
        }

        CheckFrame(stream);
        _stream = new ReadOnceStream(stream);
        _file = Guarded(() => ParquetReader.CreateAsync(_stream).GetAwaiter().GetResult());
        _fields = [.. _file.Schema.Fields];
        Names = [.. _fields.Select(static field => field.Name)];
        _classNames = HubFeatures.ClassNames(Guarded(() => _file.CustomMetadata));
    }

    public override IReadOnlyList<string> Names { get; }

    public override IReadOnlyList<string>? FirstRow => null;

    /// <summary>The number of the row, counted from 1: Parquet has no lines.</summary>
    public override long Line => Row;

    public override bool IsBlankLine => false;

    private protected override string LineWord => "row";

    private long Row { get; set; }

    public override void Bind(IReadOnlyList<int> columns, int texts)
    {
        _columns = [.. columns.Select((column, i) => Column(_fields[column], isText: i < texts))];
        _texts = texts;
    }

    public override bool Read()
    {
        while (_rowsLeft == 0)
        {
            if (_nextGroup == _file.RowGroupCount)
            {
                return false;
            }

            Guarded(LoadGroup);
        }

        _rowsLeft--;
        Row++;
        for (int i = 0; i < _columns.Length; i++)
        {
            if (!_columns[i].Advance() && i < _texts)
            {
                throw ErrorAt(Row, $"the column '{_columns[i].Name}' holds null, but a text was expected");
            }
        }

        return true;
    }

    public override ReadOnlySpan<char> Field(int index) => _columns[index].Current;

    public override void Dispose() => _stream.Dispose();

    /// <summary>A Parquet file begins and ends with four letters; before the last ones stands the length of its description.</summary>
    private void CheckFrame(Stream stream)
    {
        const int Smallest = 12;
        Span<byte> head = stackalloc byte[4];
        stream.Position = 0;
        if (stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && !head.SequenceEqual(Magic))
        {
            throw new InputException($"{Path} is not a Parquet file: it doesn't begin with the letters PAR1");
        }

        bool whole = stream.Length >= Smallest;
        if (whole)
        {
            Span<byte> tail = stackalloc byte[8];
            stream.Position = stream.Length - tail.Length;
            stream.ReadExactly(tail);
            int footer = BinaryPrimitives.ReadInt32LittleEndian(tail);
            whole = tail[4..].SequenceEqual(Magic) && footer > 0 && footer <= stream.Length - Smallest;
        }

        if (!whole)
        {
            throw new InputException($"the Parquet file {Path} is cut short: it doesn't end as one does");
        }
    }

    private ParquetColumn Column(Field field, bool isText)
    {
        if (field is not DataField { IsArray: false, MaxRepetitionLevel: 0, MaxDefinitionLevel: <= 1 } data)
        {
            throw new InputException($"the column '{field.Name}' of {Path} holds lists or structures, but {(isText ? "texts were" : "a text or number was")} expected");
        }

        if (data.ClrType == typeof(string) || data.ClrType == typeof(ReadOnlyMemory<char>))
        {
            return new ParquetTexts(data);
        }

        ParquetColumn? numbers = isText ? null : ParquetColumn.OfNumbers(data, _classNames.GetValueOrDefault(field.Name));
        return numbers ?? throw new InputException(
            $"the column '{field.Name}' of {Path} holds values of type {data.ClrType.Name}, but {(isText ? "texts were" : "texts or numbers were")} expected");
    }

    private void LoadGroup()
    {
        ParquetRowGroupReader group = _file.OpenRowGroupReader(_nextGroup++);
        if (group.RowCount == 0)
        {
            return;
        }

        foreach (ParquetColumn column in _columns)
        {
            _stream.BeginPart();
            column.Load(group);
        }

        _rowsLeft = group.RowCount;
    }

    private void Guarded(Action read) => Guarded(() =>
    {
        read();
        return true;
    });

    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not InputException)
        {
            throw new InputException($"the Parquet file {Path} can't be read, so it may be damaged: {e.GetBaseException().Message.ReplaceLineEndings(" ").TrimEnd('.')}", e);
        }
    }
}
