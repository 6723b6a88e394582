using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace MnrEngine.Serialization;

/// <summary>
/// JSON that came from outside, checked whole before anything looks into it: encoding, syntax, every string's escapes, and no key
/// twice in an object. Wrong JSON is one sentence with the line and byte.
/// </summary>
internal static class JsonFile
{
    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a file that holds a JSON object.</summary>
    /// <exception cref="InputException">The file is missing or can't be read, is not valid JSON, or holds something else.</exception>
    public static JsonObject ReadObject(string path) => Read(path) as JsonObject
        ?? throw new InputException($"{path} has to hold a JSON object");

    /// <summary>Reads a file that holds a JSON array.</summary>
    /// <exception cref="InputException">The file is missing or can't be read, is not valid JSON, or holds something else.</exception>
    public static JsonArray ReadArray(string path) => Read(path) as JsonArray
        ?? throw new InputException($"{path} has to hold a JSON array");

    /// <summary>Checks and parses JSON text.</summary>
    /// <param name="utf8">The text; a byte order mark is skipped.</param>
    /// <param name="what">What it is, for an error's sentence: a path, or <c>the header of</c> a path.</param>
    /// <exception cref="InputException">It is not valid JSON.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> utf8, string what)
    {
        if (utf8.Span.StartsWith("\uFEFF"u8))
        {
            utf8 = utf8[3..];
        }

        if (!Utf8.IsValid(utf8.Span))
        {
            throw new InputException($"{what} is not valid UTF-8");
        }

        try
        {
            CheckStrings(utf8.Span, what);
            return JsonDocument.Parse(utf8, Options);
        }
        catch (JsonException error)
        {
            string message = error.Message;
            int place = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            message = (place < 0 ? message : message[..place]).TrimEnd('.', ' ');
            string where = error.LineNumber is long line ? $" at line {line + 1}, byte {error.BytePositionInLine + 1}" : "";
            throw new InputException($"{what} is not valid JSON{where}: {message}", error);
        }
    }

    private static JsonNode? Read(string path)
    {
        using JsonDocument document = Parse(ReadBytes(path), path);
        return document.RootElement.ValueKind switch
        {
            JsonValueKind.Object => JsonObject.Create(document.RootElement.Clone()),
            JsonValueKind.Array => JsonArray.Create(document.RootElement.Clone()),
            _ => null,
        };
    }

    private static byte[] ReadBytes(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path} does not exist", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} can't be read: {error.Message}", error);
        }
    }

    /// <summary>The document decodes strings when they are asked for, and would only then trip over half of a surrogate pair.</summary>
    private static void CheckStrings(ReadOnlySpan<byte> utf8, string what)
    {
        Utf8JsonReader reader = new(utf8);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
            {
                try
                {
                    reader.GetString();
                }
                catch (InvalidOperationException error)
                {
                    throw new InputException($"{what} is not valid JSON: the string that starts at byte {reader.TokenStartIndex + 1} holds half of a surrogate pair", error);
                }
            }
        }
    }
}
