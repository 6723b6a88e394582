using System.Text;
using System.Text.Json.Nodes;

namespace MnrEngine.Trainer.Config;

/// <summary>The list of keys in docs/config.md, made from the schema and the recipes.</summary>
internal static class ConfigReference
{
    private static readonly string[] Recipes = ["trainer", "fit", "article"];

    /// <summary>A table for each object of the config.</summary>
    public static string Markdown(SchemaNode root)
    {
        StringBuilder text = new();
        Write(text, "", root);
        return text.ToString();
    }

    private static void Write(StringBuilder text, string path, SchemaNode schema)
    {
        text.Append(path.Length == 0 ? "### At the top\n\n" : $"\n### {path}\n\n");
        text.Append(schema.Shorthand is null ? "" : $"The value of `{schema.Shorthand}` may stand alone for the whole object.\n\n");
        text.Append("| Key | Value | Default | What it is |\n|---|---|---|---|\n");
        foreach ((string key, JsonNode? value) in schema.Full.Properties)
        {
            SchemaNode property = new(value!.AsObject());
            string required = schema.Full.Required.Contains(key) ? "**required**" : Default(path, key, property);
            text.Append($"| `{key}` | {property.Expected().Replace("|", "\\|", StringComparison.Ordinal)} | {required} | {property.Description} |\n");
        }

        foreach ((string key, JsonNode? value) in schema.Full.Properties)
        {
            SchemaNode property = new(value!.AsObject());
            string inner = ConfigTree.Key(path, key);
            if (property.Full.Properties.Any())
            {
                Write(text, inner, property);
            }
            else if (property.Full.Items is SchemaNode item && item.Full.Properties.Any())
            {
                Write(text, $"{inner}[]", item);
            }
        }
    }

    private static string Default(string path, string key, SchemaNode property)
    {
        if (property.Full.Properties.Any())
        {
            return "see below";
        }

        if (property.HasDefault)
        {
            return $"`{property.Default?.ToJsonString() ?? "null"}`";
        }

        if (path.Length > 0 || !RecipeDefaults.Of(Recipes[0]).ContainsKey(key))
        {
            return "";
        }

        string[] values = [.. Recipes.Select(recipe => RecipeDefaults.Of(recipe)[key]?.ToJsonString() ?? "null")];
        return values.Distinct().Count() == 1 ? $"`{values[0]}`" : string.Join(", ", Recipes.Zip(values, static (recipe, value) => $"{recipe} `{value}`"));
    }
}
