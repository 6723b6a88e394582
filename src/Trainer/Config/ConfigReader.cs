using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace MnrEngine.Trainer.Config;

/// <summary>Reads a config's text: JSON, in which comments and trailing commas are allowed. Values keep the line they were written on.</summary>
internal ref struct ConfigReader
{
    private static readonly JsonReaderOptions Options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private readonly ReadOnlySpan<byte> _text;
    private readonly ConfigTree _tree;
    private Utf8JsonReader _json;
    private int _line = 1;
    private int _counted;

    private ConfigReader(ReadOnlySpan<byte> text, ConfigTree tree)
    {
        _text = text;
        _tree = tree;
        _json = new Utf8JsonReader(text, Options);
    }

    /// <summary>Reads a config file.</summary>
    /// <exception cref="InputException">The file is missing or is not a JSON object.</exception>
    public static ConfigTree Read(string file)
    {
        ConfigTree tree = new(file);
        byte[] text;
        try
        {
            text = File.ReadAllBytes(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InputException(
                error is FileNotFoundException or DirectoryNotFoundException ? $"there is no config file {file}"
                : Directory.Exists(file) ? $"{file} is a folder, but a config file is expected"
                : $"the config file {file} can't be read: {error.Message}",
                error);
        }

        ReadOnlySpan<byte> utf8 = text;
        new ConfigReader(utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8, tree).ReadRoot();
        return tree;
    }

    private void ReadRoot()
    {
        int valid = Utf8.IsValid(_text) ? -1 : InvalidByte(_text);
        if (valid >= 0)
        {
            throw new InputException($"{_tree.File}:{1 + _text[..valid].Count((byte)'\n')}: the file is not valid UTF-8 here; save it as UTF-8");
        }

        try
        {
            _json.Read();
            if (_json.TokenType != JsonTokenType.StartObject)
            {
                throw new InputException($"{_tree.File}:{Line()}: a config is a JSON object in braces, but this is {Describe(_json.TokenType)}");
            }

            _tree.Root = ReadObject("");
            _json.Read();
        }
        catch (JsonException error)
        {
            string message = error.Message[..Math.Max(0, error.Message.IndexOf(" LineNumber:", StringComparison.Ordinal))].TrimEnd('.');
            throw new InputException($"{_tree.File}:{error.LineNumber + 1}: this is not valid JSON: {message}", error);
        }
    }

    private JsonNode? ReadValue(string path)
    {
        _tree.WrittenAt(path, Line());
        return _json.TokenType switch
        {
            JsonTokenType.StartObject => ReadObject(path),
            JsonTokenType.StartArray => ReadArray(path),
            JsonTokenType.Null => null,
            _ => JsonNode.Parse(_text[(int)_json.TokenStartIndex..(int)_json.BytesConsumed]),
        };
    }

    private JsonObject ReadObject(string path)
    {
        JsonObject result = [];
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            int line = Line();
            string name = _json.GetString()!;
            string key = ConfigTree.Key(path, name);
            if (result.ContainsKey(name))
            {
                throw new InputException($"{_tree.File}:{line}: {key} is given twice, first at {_tree.Origin(key)}");
            }

            _json.Read();
            result[name] = ReadValue(key);
        }

        return result;
    }

    private JsonArray ReadArray(string path)
    {
        JsonArray result = [];
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            result.Add(ReadValue(ConfigTree.Element(path, result.Count)));
        }

        return result;
    }

    /// <summary>The line of the token just read, counted from 1.</summary>
    private int Line()
    {
        int start = (int)_json.TokenStartIndex;
        _line += _text[_counted..start].Count((byte)'\n');
        _counted = start;
        return _line;
    }

    private static string Describe(JsonTokenType token) => token switch
    {
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        _ => "something else",
    };

    private static int InvalidByte(ReadOnlySpan<byte> text)
    {
        int valid = 0;
        while (System.Text.Rune.DecodeFromUtf8(text[valid..], out _, out int length) == System.Buffers.OperationStatus.Done)
        {
            valid += length;
        }

        return valid;
    }
}
