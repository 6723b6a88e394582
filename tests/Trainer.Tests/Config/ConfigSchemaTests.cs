using System.Text.Json.Nodes;
using MnrEngine.Trainer.Config;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Config;

public sealed class ConfigSchemaTests
{
    [Test]
    public void ThePublishedSchemaIsTheOneTheTypesMake()
    {
        string made = ConfigSchema.Text(ConfigSchema.Generate());

        Assert.That(ConfigSchema.Text(ConfigSchema.Load()), Is.EqualTo(made), "docs/config.schema.json is stale: write it anew with the program's schema command");
    }

    [Test]
    public void TheDocumentationListsTheKeysAsTheyAre()
    {
        string? root = MnrEngine.Testing.Fixtures.RepositoryRoot;
        if (root is null)
        {
            Assert.Ignore("the suite runs outside the repository");
        }

        string document = File.ReadAllText(Path.Combine(root!, "docs", "config.md")).ReplaceLineEndings("\n");

        Assert.That(document, Does.EndWith(ConfigReference.Markdown(new SchemaNode(ConfigSchema.Generate()))), "docs/config.md is stale: replace its last part with what the program's schema --keys writes");
    }

    [Test]
    public void EveryKeyIsDescribed() =>
        Assert.That(Keys("", ConfigSchema.Generate()).Where(static key => !key.Schema.ContainsKey("description")).Select(static key => key.Path), Is.Empty);

    [Test]
    public void EveryNumberHasLimits() =>
        Assert.That(
            Keys("", ConfigSchema.Generate())
                .Where(static key => key.Schema["type"]?.ToJsonString() is string type && (type.Contains("integer") || type.Contains("number")))
                .Where(static key => !(key.Schema.ContainsKey("maximum") || key.Schema.ContainsKey("exclusiveMaximum")))
                .Select(static key => key.Path),
            Is.Empty);

    [Test]
    public void NothingUnknownIsLetThrough() =>
        Assert.That(Objects(ConfigSchema.Generate()).Select(static schema => schema["additionalProperties"]?.ToJsonString()), Is.All.EqualTo("false"));

    private static IEnumerable<JsonObject> Objects(JsonNode? node) => node switch
    {
        JsonObject keys => keys.SelectMany(static pair => Objects(pair.Value)).Concat(keys["properties"] is JsonObject && !keys.ContainsKey("$ref") ? [keys] : []),
        JsonArray elements => elements.SelectMany(Objects),
        _ => [],
    };

    private static IEnumerable<(string Path, JsonObject Schema)> Keys(string path, JsonObject schema)
    {
        JsonObject full = schema["anyOf"]?[0]!.AsObject() ?? schema;
        if (full["items"] is JsonObject items)
        {
            return Keys(path, items);
        }

        return (full["properties"]?.AsObject() ?? [])
            .SelectMany(pair => Keys($"{path}.{pair.Key}", pair.Value!.AsObject()).Prepend(($"{path}.{pair.Key}", pair.Value!.AsObject())));
    }
}
