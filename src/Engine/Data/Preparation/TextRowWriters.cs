using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MnrEngine.Data.Preparation;

/// <summary>TSV, in which nothing is quoted, or CSV as RFC 4180 has it; with a header line.</summary>
internal sealed class DelimitedRowWriter : RowWriter
{
    private static readonly SearchValues<char> Breaks = SearchValues.Create("\t\r\n");
    private static readonly SearchValues<char> Quoted = SearchValues.Create(",\"\r\n");

    private readonly StreamWriter _writer;
    private readonly bool _isCsv;
    private bool _rowHasBegun;

    public DelimitedRowWriter(Stream stream, bool ownsStream, bool isCsv, IReadOnlyList<string> texts, string? number)
    {
        _writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 1 << 16, leaveOpen: !ownsStream);
        _isCsv = isCsv;
        foreach (string name in number is null ? texts : [.. texts, number])
        {
            Text(name);
        }

        EndRow();
    }

    public override void Text(ReadOnlySpan<char> text)
    {
        Separate();
        if (_isCsv)
        {
            WriteQuoted(text);
        }
        else
        {
            WriteFlat(text);
        }
    }

    public override void Number(double number)
    {
        Separate();
        Span<char> digits = stackalloc char[32];
        number.TryFormat(digits, out int length, provider: CultureInfo.InvariantCulture);
        _writer.Write(digits[..length]);
    }

    public override void EndRow()
    {
        _writer.Write('\n');
        _rowHasBegun = false;
    }

    public override void Finish() => _writer.Flush();

    public override void Dispose() => _writer.Dispose();

    private void Separate()
    {
        if (_rowHasBegun)
        {
            _writer.Write(_isCsv ? ',' : '\t');
        }

        _rowHasBegun = true;
    }

    private void WriteQuoted(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAny(Quoted))
        {
            _writer.Write(text);
            return;
        }

        _writer.Write('"');
        for (int quote; (quote = text.IndexOf('"')) >= 0; text = text[(quote + 1)..])
        {
            _writer.Write(text[..(quote + 1)]);
            _writer.Write('"');
        }

        _writer.Write(text);
        _writer.Write('"');
    }

    private void WriteFlat(ReadOnlySpan<char> text)
    {
        if (text.ContainsAny(Breaks))
        {
            Flattened++;
        }

        for (int found; (found = text.IndexOfAny(Breaks)) >= 0; text = text[(found + 1)..])
        {
            _writer.Write(text[..found]);
            _writer.Write(' ');
        }

        _writer.Write(text);
    }
}

/// <summary>JSON lines: an object a row.</summary>
internal sealed class JsonRowWriter : RowWriter
{
    private const int FlushAt = 1 << 16;

    private readonly Stream _stream;
    private readonly bool _ownsStream;
    private readonly ArrayBufferWriter<byte> _buffer = new(FlushAt * 2);
    private readonly Utf8JsonWriter _json;
    private readonly JsonEncodedText[] _names;
    private int _column;

    public JsonRowWriter(Stream stream, bool ownsStream, IReadOnlyList<string> texts, string? number)
    {
        _stream = stream;
        _ownsStream = ownsStream;
        _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        _names = [.. (number is null ? texts : [.. texts, number]).Select(static name => JsonEncodedText.Encode(name))];
    }

    public override void Text(ReadOnlySpan<char> text)
    {
        Begin();
        _json.WriteString(_names[_column++], text);
    }

    public override void Number(double number)
    {
        Begin();
        _json.WriteNumber(_names[_column++], number);
    }

    public override void EndRow()
    {
        _json.WriteEndObject();
        _json.Flush();
        _json.Reset();
        _column = 0;
        _buffer.Write("\n"u8);
        if (_buffer.WrittenCount >= FlushAt)
        {
            Finish();
        }
    }

    public override void Finish()
    {
        _stream.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
    }

    public override void Dispose()
    {
        _json.Dispose();
        if (_ownsStream)
        {
            _stream.Dispose();
        }
    }

    private void Begin()
    {
        if (_column == 0)
        {
            _json.WriteStartObject();
        }
    }
}
