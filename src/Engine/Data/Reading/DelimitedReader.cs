using System.Text;
using System.Text.Unicode;
using CsvHelper;

namespace MnrEngine.Data.Reading;

/// <summary>Reads TSV and CSV with CsvHelper, which splits rows; what is an error, and how it is worded, is decided here.</summary>
internal sealed class DelimitedReader : TableReader
{
    private readonly CsvReader _rows;
    private readonly bool _quoted;
    private readonly List<string> _firstRow;
    private readonly List<string>? _names;
    private int[] _columns = [];
    private int _columnsNeeded;
    private char[] _text = new char[1024];
    private CsvMalformedRecord? _malformed;
    private bool _firstRowIsNext;

    public DelimitedReader(DatasetSource source, DataFormat format, Stream stream, Func<IReadOnlyList<string>, bool> isHeader)
        : base(source.Path)
    {
        _quoted = format == DataFormat.Csv;
        char delimiter = source.Delimiter ?? (_quoted ? ',' : '\t');
        if (!char.IsAscii(delimiter) || delimiter is '"' or '\r' or '\n')
        {
            throw new InputException($"the delimiter of {Path} is '{delimiter}', but must be an ASCII character other than a quotation mark or line break");
        }

        _rows = CsvReader.Create(stream, new CsvReaderOptions
        {
            Mode = _quoted ? CsvMode.Rfc4180 : CsvMode.NoEscape,
            Separator = delimiter,
            HasHeader = false,
            SkipEmptyLines = false,
            TrackLineNumbers = true,
            MaxRecordSize = LargestRow,
            OnMalformedRecord = record => _malformed = record,
        });
        _firstRow = ReadFirstRow();
        if (source.HasHeader ?? isHeader(_firstRow))
        {
            _names = [.. _firstRow.Select(name => name.Trim())];
        }
        else
        {
            _firstRowIsNext = true;
        }
    }

    public override IReadOnlyList<string>? Names => _names;

    public override IReadOnlyList<string> FirstRow => _firstRow;

    public override long Line => _rows.LineNumber;

    public override bool IsBlankLine => IsBlank(_rows.RawRecord);

    public override void Bind(IReadOnlyList<int> columns, int texts)
    {
        _columns = [.. columns];
        _columnsNeeded = _columns.Max() + 1;
    }

    public override bool Read()
    {
        if (_firstRowIsNext)
        {
            _firstRowIsNext = false;
        }
        else if (!ReadRow())
        {
            return false;
        }

        if (!IsBlankLine)
        {
            CheckWidth();
        }

        return true;
    }

    public override ReadOnlySpan<char> Field(int index)
    {
        ReadOnlySpan<byte> field = _rows.GetSpan(_columns[index]);
        if (_text.Length < field.Length)
        {
            _text = new char[field.Length * 2];
        }

        return _text.AsSpan(0, Encoding.UTF8.GetChars(field, _text));
    }

    public override void Dispose() => _rows.Dispose();

    private static bool IsBlank(ReadOnlySpan<byte> row) => row.IndexOfAnyExcept(" \t\v\f"u8) < 0;

    /// <summary>Reads the header or first row, passing over blank lines before it.</summary>
    private List<string> ReadFirstRow()
    {
        do
        {
            if (!ReadRow())
            {
                throw new InputException($"the data file {Path} has no rows, but at least one is needed");
            }
        }
        while (IsBlankLine);

        List<string> fields = [];
        for (int i = 0; i < _rows.FieldCount; i++)
        {
            fields.Add(_rows.GetString(i));
        }

        return fields;
    }

    private bool ReadRow()
    {
        bool more;
        try
        {
            more = _rows.Read();
        }
        catch (CsvFormatException e)
        {
            throw ErrorAt(e.LineNumber, $"the row is longer than {LargestRow >> 20} MiB, so a quotation mark may have been left open", e);
        }

        switch (_malformed?.Reason)
        {
            case CsvMalformedReason.UnterminatedQuote:
                throw ErrorAt(_malformed.Value.LineNumber, "the row that begins here opens a quotation mark that is never closed, but CSV needs them in pairs");
            case CsvMalformedReason.TextAfterClosingQuote:
                throw ErrorAt(
                    _malformed.Value.LineNumber,
                    "the row that begins here has text between a closing quotation mark and the next comma, so one may have been left open or not doubled");
            default:
                _malformed = null;
                break;
        }

        if (more && !Utf8.IsValid(_rows.RawRecord))
        {
            throw InvalidUtf8(_rows.RawRecord, Line);
        }

        return more;
    }

    /// <summary>
    /// CSV rows all have the same number of columns (RFC 4180, section 2.4): a surplus one is a comma that should have been quoted. TSV as
    /// distributed often has more or fewer columns at the end, and only lacks something when a chosen column is missing.
    /// </summary>
    private void CheckWidth()
    {
        int found = _rows.FieldCount;
        if (_quoted && found != _firstRow.Count)
        {
            throw ErrorAt(Line, $"found {Columns(found)}, but the first line has {_firstRow.Count}");
        }

        if (found < _columnsNeeded)
        {
            throw ErrorAt(Line, $"found {Columns(found)}, but at least {_columnsNeeded} are needed");
        }
    }

    private static string Columns(int count) => count == 1 ? "1 column" : $"{count} columns";
}
