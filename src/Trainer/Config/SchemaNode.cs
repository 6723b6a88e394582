using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MnrEngine.Hub;

namespace MnrEngine.Trainer.Config;

/// <summary>A look into the JSON Schema: what a value may be, in code and in words. Only the keywords that <see cref="ConfigSchema"/> writes are known.</summary>
internal readonly struct SchemaNode(JsonObject schema)
{
    // A limit that is only there because the number has to fit a type is not worth naming.
    private const double PracticallyInfinite = 1e9;

    /// <summary>The key whose value may stand alone for the object, <c>[]</c> where one element may stand for an array, or null.</summary>
    public string? Shorthand => (string?)schema[ConfigSchema.ShorthandKeyword];

    /// <summary>The schema of the value written out in full.</summary>
    public SchemaNode Full => Shorthand is null ? this : new SchemaNode(schema["anyOf"]![0]!.AsObject());

    /// <summary>The keys of an object.</summary>
    public IEnumerable<KeyValuePair<string, JsonNode?>> Properties => schema["properties"]?.AsObject() ?? [];

    /// <summary>The keys that an object has to have.</summary>
    public IEnumerable<string> Required => schema["required"]?.AsArray().Select(static key => (string)key!) ?? [];

    /// <summary>The schema of an array's elements, or null.</summary>
    public SchemaNode? Items => schema["items"] is JsonObject items ? new SchemaNode(items) : null;

    /// <summary>Whether the value names a file or folder.</summary>
    public bool IsPath => schema.ContainsKey(ConfigSchema.PathKeyword);

    /// <summary>What on the hub the value may be the id of, where it is no path on the disk; or null.</summary>
    public HubKind? Hub => schema[ConfigSchema.PathKeyword]?.GetValueKind() != JsonValueKind.String ? null
        : (string?)schema[ConfigSchema.PathKeyword] == ConfigSchema.HubModel ? HubKind.Model : HubKind.Dataset;

    /// <summary>What the value is for.</summary>
    public string? Description => (string?)schema["description"];

    /// <summary>The value when the key is left out, or null for none (or null).</summary>
    public JsonNode? Default => schema["default"];

    /// <summary>Whether the schema names a value for when the key is left out.</summary>
    public bool HasDefault => schema.ContainsKey("default");

    /// <summary>Other names of the key.</summary>
    public IEnumerable<string> OtherNames => schema[ConfigSchema.OtherNamesKeyword]?.AsArray().Select(static name => (string)name!) ?? [];

    /// <summary>What keys of the object were called before, and what they are called now.</summary>
    public IEnumerable<(string Former, string Now)> FormerNames =>
        from property in Properties
        let former = (string?)property.Value![ConfigSchema.FormerNameKeyword]
        where former is not null
        select (former, property.Key);

    private IEnumerable<string> Types => schema["type"] switch
    {
        JsonArray several => several.Select(static type => (string)type!),
        JsonValue one => [(string)one!],
        _ => [],
    };

    /// <summary>The schema of a key, or null.</summary>
    public SchemaNode? Property(string key) => schema["properties"]?[key] is JsonObject property ? new SchemaNode(property) : null;

    /// <summary>Whether a value is of the right type and within its limits. What it contains is not looked at.</summary>
    public bool Accepts(JsonNode? value)
    {
        if (schema["enum"] is JsonArray choices)
        {
            return choices.Any(choice => JsonNode.DeepEquals(choice, value));
        }

        return value switch
        {
            null => Types.Contains("null"),
            JsonObject => Types.Contains("object"),
            JsonArray array => Types.Contains("array") && array.Count >= ((int?)schema["minItems"] ?? 0) && array.Count <= ((int?)schema["maxItems"] ?? int.MaxValue),
            JsonValue => value.GetValueKind() switch
            {
                JsonValueKind.String => Types.Contains("string") && value.GetValue<string>() is { Length: > 0 } text && ((string?)schema["pattern"] is not string pattern || Regex.IsMatch(text, pattern)),
                JsonValueKind.Number => AcceptsNumber(value),
                _ => Types.Contains("boolean"),
            },
            _ => false,
        };
    }

    /// <summary>What a value may be: <c>a whole number of at least 1 or null</c>.</summary>
    public string Expected() => string.Join(" or ", Kinds(PracticallyInfinite).Distinct());

    /// <summary>The same for an error: a value that is beyond a limit that goes without saying is told that limit too.</summary>
    public string ExpectedInsteadOf(JsonNode? value) =>
        string.Join(" or ", Kinds(value?.GetValueKind() == JsonValueKind.Number && value.GetValue<double>() >= PracticallyInfinite ? double.PositiveInfinity : PracticallyInfinite).Distinct());

    private IEnumerable<string> Kinds(double unnamedFrom)
    {
        if (schema["enum"] is JsonArray choices)
        {
            return [$"one of {string.Join(", ", choices.Select(static choice => choice?.ToJsonString() ?? "null"))}"];
        }

        if (Shorthand is not null)
        {
            return Full.Kinds(unnamedFrom).Concat(new SchemaNode(schema["anyOf"]![1]!.AsObject()).Kinds(unnamedFrom));
        }

        JsonObject limits = schema;
        return Types.Select(type => type switch
        {
            "integer" => $"a whole number{Limits(limits, unnamedFrom)}",
            "number" => $"a number{Limits(limits, unnamedFrom)}",
            "boolean" => "true or false",
            "string" => limits["examples"] is JsonArray examples ? $"a text like {string.Join(", ", examples.Select(static example => example!.ToJsonString()))}" : "a text",
            "array" => (int?)limits["minItems"] is int least ? $"an array of at least {least}" : "an array",
            "object" => "an object",
            _ => type,
        });
    }

    private bool AcceptsNumber(JsonNode value)
    {
        bool whole = long.TryParse(value.ToJsonString(), out long integer);
        double number = whole ? integer : value.GetValue<double>();
        return ((Types.Contains("integer") && whole) || Types.Contains("number"))
            && double.IsFinite(number)
            && number >= ((double?)schema["minimum"] ?? double.MinValue)
            && number <= ((double?)schema["maximum"] ?? double.MaxValue)
            && number > ((double?)schema["exclusiveMinimum"] ?? double.NegativeInfinity)
            && number < ((double?)schema["exclusiveMaximum"] ?? double.PositiveInfinity);
    }

    private static string Limits(JsonObject limits, double unnamedFrom)
    {
        string? low = limits["minimum"] is JsonNode minimum ? $"of at least {minimum}" : limits["exclusiveMinimum"] is JsonNode above ? $"above {above}" : null;
        string? high = (double?)limits["maximum"] >= unnamedFrom ? null : limits["maximum"] is JsonNode maximum ? $"at most {maximum}" : limits["exclusiveMaximum"] is JsonNode below ? $"below {below}" : null;
        return (low, high) switch
        {
            (null, null) => "",
            (string only, null) => $" {only}",
            (null, string only) => $" {only}",
            (string from, string to) => $" {from} and {to}",
        };
    }
}
