using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using MnrEngine.Hub;

namespace MnrEngine.Trainer.Config;

/// <summary>
/// The JSON Schema of <see cref="TrainingConfig"/>. It is made here from the types and their attributes, published as docs/config.schema.json, and
/// that very file is embedded in the program and is what configs are checked against.
/// </summary>
internal static class ConfigSchema
{
    /// <summary>Keyword: the one key whose value may stand for the whole object.</summary>
    public const string ShorthandKeyword = "x-shorthand";

    /// <summary>Keyword: the value names a file or folder (true), or may also be the id of a model or data set on the hub (which of them).</summary>
    public const string PathKeyword = "x-path";

    /// <summary>Keyword: other names of the key.</summary>
    public const string OtherNamesKeyword = "x-also-known-as";

    /// <summary>Values of <see cref="PathKeyword"/>.</summary>
    public const string HubModel = "model", HubDataset = "dataset";

    /// <summary>Keyword: what the key was called before.</summary>
    public const string FormerNameKeyword = "x-formerly";

    private const string Published = "MnrEngine.Trainer.config.schema.json";

    /// <summary>The published schema.</summary>
    public static JsonObject Load()
    {
        using Stream stream = typeof(ConfigSchema).Assembly.GetManifestResourceStream(Published)
            ?? throw new InvalidOperationException($"the program was built without {Published}");
        return JsonNode.Parse(stream)!.AsObject();
    }

    /// <summary>Makes the schema from the types.</summary>
    public static JsonObject Generate()
    {
        JsonSchemaExporterOptions options = new() { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Describe };
        JsonObject schema = TrainingConfigJson.Default.TrainingConfig.GetJsonSchemaAsNode(options).AsObject();
        AddDefaults(schema, RecipeDefaults.Common());
        DropSupplied(schema, RecipeDefaults.Of("trainer"));
        JsonObject published = new()
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "MnrEngine training config",
        };
        foreach ((string keyword, JsonNode? value) in schema)
        {
            published[keyword] = value?.DeepClone();
        }

        return published;
    }

    /// <summary>The schema as it is written to the file.</summary>
    public static string Text(JsonObject schema) =>
        schema.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" }) + "\n";

    private static JsonNode Describe(JsonSchemaExporterContext context, JsonNode node)
    {
        if (context.TypeInfo.Type == typeof(ResumeMode))
        {
            node = new JsonObject { ["enum"] = new JsonArray(false, true, "auto") };
        }

        if (context.TypeInfo.Type == typeof(Device))
        {
            node = new JsonObject { ["type"] = "string", ["pattern"] = Device.Pattern, ["examples"] = new JsonArray([.. Device.Examples.Select(static name => (JsonNode)name)]) };
        }

        if (node is not JsonObject schema)
        {
            return node;
        }

        ICustomAttributeProvider? property = context.PropertyInfo?.AttributeProvider;
        if (Attribute<RangeAttribute>(property) is RangeAttribute range)
        {
            schema[range.MinimumIsExclusive ? "exclusiveMinimum" : "minimum"] = Number(range.Minimum);
            schema[range.MaximumIsExclusive ? "exclusiveMaximum" : "maximum"] = Number(range.Maximum);
        }

        if (Attribute<ElementsAttribute>(property) is ElementsAttribute elements)
        {
            schema["minItems"] = elements.Least;
            if (elements.Most < int.MaxValue)
            {
                schema["maxItems"] = elements.Most;
            }
        }

        if (Attribute<ConfigPathAttribute>(property) is ConfigPathAttribute path)
        {
            schema[PathKeyword] = path.Hub switch
            {
                HubKind.Model => HubModel,
                HubKind.Dataset => HubDataset,
                _ => (JsonNode)true,
            };
        }

        schema = AllowShorthand(context, schema);
        JsonObject described = [];
        if (Attribute<DescriptionAttribute>(property) is DescriptionAttribute description)
        {
            described["description"] = description.Description;
        }

        if (Attribute<TransformersNameAttribute>(property) is TransformersNameAttribute others)
        {
            described[OtherNamesKeyword] = new JsonArray([.. others.Names.Select(name => (JsonNode)name)]);
        }

        if (Attribute<FormerNameAttribute>(property) is FormerNameAttribute former)
        {
            described[FormerNameKeyword] = former.Name;
        }

        foreach ((string keyword, JsonNode? value) in schema)
        {
            described[keyword] = value?.DeepClone();
        }

        return described;
    }

    /// <summary>An object whose main key may stand alone also takes that key's values; an array, also one element.</summary>
    private static JsonObject AllowShorthand(JsonSchemaExporterContext context, JsonObject schema)
    {
        if (schema["items"] is JsonObject element)
        {
            JsonNode array = schema.DeepClone();
            return new JsonObject { [ShorthandKeyword] = "[]", ["anyOf"] = new JsonArray(array, element.DeepClone()) };
        }

        if (Attribute<ShorthandAttribute>(context.TypeInfo.Type) is ShorthandAttribute shorthand)
        {
            JsonNode? alone = schema["properties"]?[shorthand.Key]?.DeepClone();
            alone?.AsObject().Remove("description");
            alone?.AsObject().Remove(OtherNamesKeyword);
            alone?.AsObject().Remove(FormerNameKeyword);
            return new JsonObject { [ShorthandKeyword] = shorthand.Key, ["anyOf"] = new JsonArray(schema.DeepClone(), alone) };
        }

        return schema;
    }

    private static T? Attribute<T>(ICustomAttributeProvider? provider)
        where T : Attribute =>
        (T?)provider?.GetCustomAttributes(typeof(T), inherit: false).SingleOrDefault();

    private static JsonNode Number(object limit)
    {
        double value = Convert.ToDouble(limit, System.Globalization.CultureInfo.InvariantCulture);
        return double.IsInteger(value) && Math.Abs(value) < 1e15 ? (long)value : value;
    }

    /// <summary>The schema of an object written out in full, where a shorthand may stand for it.</summary>
    private static JsonObject Full(JsonObject schema) => schema["anyOf"]?[0] is JsonObject full && full.ContainsKey("properties") ? full : schema;

    private static void AddDefaults(JsonObject schema, JsonObject defaults)
    {
        foreach ((string key, JsonNode? value) in defaults)
        {
            JsonObject property = Full(schema["properties"]![key]!.AsObject());
            if (property.ContainsKey("properties") && value is JsonObject nested)
            {
                AddDefaults(property, nested);
            }
            else
            {
                property["default"] = value?.DeepClone();
            }
        }
    }

    /// <summary>A key that the defaults supply is not required of a config.</summary>
    private static void DropSupplied(JsonObject schema, JsonObject supplied)
    {
        if (schema["required"] is JsonArray required)
        {
            schema["required"] = new JsonArray([.. required.Where(key => !supplied.ContainsKey((string)key!)).Select(key => key!.DeepClone())]);
        }

        foreach ((string key, JsonNode? value) in supplied)
        {
            if (value is JsonObject nested && schema["properties"]![key] is JsonObject either && Full(either) is JsonObject property && property.ContainsKey("properties"))
            {
                DropSupplied(property, nested);
                property.Remove("required");
            }
        }
    }
}
