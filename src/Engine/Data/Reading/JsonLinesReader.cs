using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace MnrEngine.Data.Reading;

/// <summary>Reads JSON lines: one object a line. Keys that aren't chosen may hold anything and are passed over.</summary>
internal sealed class JsonLinesReader : TableReader
{
    private readonly Utf8Lines _lines;
    private readonly List<string> _names = [];
    private byte[][] _keys = [];
    private int[] _keyOfColumn = [];
    private JsonTokenType[] _types = [];
    private char[][] _fields = [];
    private int[] _lengths = [];
    private int _texts;
    private bool _firstLineIsNext = true;

    public JsonLinesReader(DatasetSource source, Stream stream)
        : base(source.Path)
    {
        if (source.Delimiter is not null || source.HasHeader is not null)
        {
            throw new InputException($"{Path} is read as JSON lines, which have neither a delimiter nor a header line, but one is set for it");
        }

        _lines = new Utf8Lines(stream, LargestRow);
        do
        {
            if (!NextLine())
            {
                throw new InputException($"the data file {Path} has no rows, but at least one is needed");
            }
        }
        while (IsBlankLine);

        ParseLine();
    }

    public override IReadOnlyList<string> Names => _names;

    public override IReadOnlyList<string>? FirstRow => null;

    public override long Line => _lines.Number;

    public override bool IsBlankLine => _lines.Current.IndexOfAnyExcept(" \t\v\f"u8) < 0;

    public override void Bind(IReadOnlyList<int> columns, int texts)
    {
        // A key may be chosen twice: SimCSE pairs a sentence with itself.
        int[] chosen = [.. columns.Distinct()];
        _keys = [.. chosen.Select(column => Encoding.UTF8.GetBytes(_names[column]))];
        _keyOfColumn = [.. columns.Select(column => chosen.IndexOf(column))];
        _types = new JsonTokenType[_keys.Length];
        _fields = [.. _keys.Select(_ => new char[256])];
        _lengths = new int[_keys.Length];
        _texts = columns.Take(texts).Distinct().Count();
    }

    public override bool Read()
    {
        if (_firstLineIsNext)
        {
            _firstLineIsNext = false;
        }
        else if (!NextLine())
        {
            return false;
        }

        if (!IsBlankLine)
        {
            ParseLine();
            CheckFields();
        }

        return true;
    }

    public override ReadOnlySpan<char> Field(int index) => _fields[_keyOfColumn[index]].AsSpan(0, _lengths[_keyOfColumn[index]]);

    public override void Dispose() => _lines.Dispose();

    private bool NextLine()
    {
        bool more;
        try
        {
            more = _lines.Next();
        }
        catch (InvalidDataException e)
        {
            throw ErrorAt(Line + 1, $"the line is longer than {LargestRow >> 20} MiB, as no row of data is", e);
        }

        if (more && !Utf8.IsValid(_lines.Current))
        {
            throw InvalidUtf8(_lines.Current, Line);
        }

        return more;
    }

    /// <summary>Fills the fields of the chosen keys; before any are chosen, notes the keys there are.</summary>
    private void ParseLine()
    {
        Array.Fill(_types, JsonTokenType.None);
        Array.Clear(_lengths);
        try
        {
            Utf8JsonReader json = new(_lines.Current);
            json.Read();
            if (json.TokenType != JsonTokenType.StartObject)
            {
                throw ErrorAt(Line, $"found {Name(json.TokenType)}, but each line must be a JSON object");
            }

            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                int key = KeyOf(ref json);
                if (_keys.Length == 0)
                {
                    _names.Add(json.GetString()!);
                }

                json.Read();
                if (key >= 0)
                {
                    TakeValue(ref json, key);
                }

                json.Skip();
            }

            // One more read refuses anything behind the object.
            json.Read();
        }
        catch (JsonException e)
        {
            throw ErrorAt(Line, $"the JSON is malformed at byte {e.BytePositionInLine + 1}, but each line must be a JSON object", e);
        }
        catch (InvalidOperationException e)
        {
            throw ErrorAt(Line, "a JSON string has half of a surrogate pair, but must be valid Unicode", e);
        }
    }

    private int KeyOf(ref Utf8JsonReader json)
    {
        for (int i = 0; i < _keys.Length; i++)
        {
            if (json.ValueTextEquals(_keys[i]))
            {
                return i;
            }
        }

        return -1;
    }

    private void TakeValue(ref Utf8JsonReader json, int key)
    {
        _types[key] = json.TokenType;
        if (_fields[key].Length < json.ValueSpan.Length)
        {
            _fields[key] = new char[json.ValueSpan.Length * 2];
        }

        _lengths[key] = json.TokenType switch
        {
            JsonTokenType.String => json.CopyString(_fields[key]),
            JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False => Encoding.UTF8.GetChars(json.ValueSpan, _fields[key]),
            _ => 0,
        };
    }

    private void CheckFields()
    {
        for (int i = 0; i < _keys.Length; i++)
        {
            if (_types[i] == JsonTokenType.None)
            {
                throw ErrorAt(Line, $"the object has no key '{Encoding.UTF8.GetString(_keys[i])}', which the first one has");
            }

            bool expected = _types[i] == JsonTokenType.String
                || (i >= _texts && _types[i] is JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null);
            if (!expected)
            {
                throw ErrorAt(
                    Line, $"the key '{Encoding.UTF8.GetString(_keys[i])}' holds {Name(_types[i])}, but {(i < _texts ? "a string" : "a string or number")} was expected");
            }
        }
    }

    private static string Name(JsonTokenType type) => type switch
    {
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a truth value",
        JsonTokenType.Null => "null",
        JsonTokenType.StartArray => "an array",
        _ => "an object",
    };
}
