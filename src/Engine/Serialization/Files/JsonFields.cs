using System.Text.Json;
using System.Text.Json.Nodes;

namespace MnrEngine.Serialization;

/// <summary>
/// The fields of a JSON object by name, each with the type and range that it has to have. A field that is wrong is one sentence:
/// where it is, what it holds, what was expected. A field that is null counts as absent, as transformers' configs mean it.
/// </summary>
/// <param name="source">The object.</param>
/// <param name="where">The file, or the key of a larger file, that holds it.</param>
internal sealed class JsonFields(JsonObject source, string where)
{
    /// <summary>The object itself.</summary>
    public JsonObject Source => source;

    /// <summary>Where the object is, for an error's sentence.</summary>
    public string Where => where;

    public bool Has(string key) => source[key] is not null;

    public int Integer(string key, int otherwise, int minimum, int maximum = int.MaxValue)
    {
        if (source[key] is not JsonNode node)
        {
            return otherwise;
        }

        return IsKind(node, JsonValueKind.Number) && node.AsValue().TryGetValue(out int value) && value >= minimum && value <= maximum ? value
            : throw Wrong(key, maximum == int.MaxValue ? $"a whole number from {minimum} on" : $"a whole number from {minimum} to {maximum}");
    }

    public int RequiredInteger(string key, int minimum)
    {
        Require(key);
        return Integer(key, 0, minimum);
    }

    /// <summary>A number for which the condition holds; the condition in words completes "where ... is expected".</summary>
    public double Number(string key, double otherwise, Func<double, bool> condition, string expected)
    {
        if (source[key] is not JsonNode node)
        {
            return otherwise;
        }

        return IsKind(node, JsonValueKind.Number) && node.AsValue().TryGetValue(out double value) && double.IsFinite(value) && condition(value) ? value
            : throw Wrong(key, expected);
    }

    public bool Flag(string key, bool otherwise) => source[key] is not JsonNode node ? otherwise
        : node.GetValueKind() switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(key, "true or false"),
        };

    public string? Text(string key) => source[key] is not JsonNode node ? null
        : IsKind(node, JsonValueKind.String) ? node.GetValue<string>()
        : throw Wrong(key, "a string");

    public JsonObject? Object(string key) => source[key] is not JsonNode node ? null
        : node as JsonObject ?? throw Wrong(key, "an object");

    public JsonArray? Array(string key) => source[key] is not JsonNode node ? null
        : node as JsonArray ?? throw Wrong(key, "an array");

    public void Require(string key)
    {
        if (!Has(key))
        {
            throw new InputException($"{where} has no {key}");
        }
    }

    /// <summary>The error for a field that holds something else than expected.</summary>
    public InputException Wrong(string key, string expected) =>
        new($"{key} in {where} is {Shorten(source[key]?.ToJsonString() ?? "null")} where {expected} is expected");

    private static bool IsKind(JsonNode node, JsonValueKind kind) => node.GetValueKind() == kind;

    private static string Shorten(string json) => json.Length <= 60 ? json : json[..57] + "...";
}
