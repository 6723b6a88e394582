using System.Text.Json.Nodes;
using MnrEngine.Hub;
using MnrEngine.Trainer.Runs;

namespace MnrEngine.Trainer.Config;

/// <summary>Checks a config against the schema, writes shorthands out in full and resolves paths.</summary>
internal sealed class ConfigChecker
{
    private readonly SchemaNode _root;
    private readonly UnknownKey _unknown;

    public ConfigChecker(SchemaNode root)
    {
        _root = root;
        _unknown = new UnknownKey(root);
    }

    /// <summary>Writes shorthands out in full: the folder of a model becomes an object with a path, a file an array of one, and so on.</summary>
    public void Expand(ConfigTree tree) => ExpandKeys(tree.Root, _root);

    /// <summary>Checks every key and value.</summary>
    /// <exception cref="InputException">A key is unknown or missing, or a value is of the wrong type or out of range.</exception>
    public void Check(ConfigTree tree) => Check(tree, "", tree.Root, _root);

    /// <summary>Makes every path that counts from the config's folder (or, given by --set, from the current one) count from the current folder.</summary>
    public void ResolvePaths(ConfigTree tree)
    {
        string folder = Path.GetDirectoryName(tree.File) ?? "";
        ChangePaths("", tree.Root, _root, (key, path) => FromHere(path, tree.IsSetting(key) ? "" : folder));
    }

    /// <summary>Makes every path that counts from the current folder count from another one.</summary>
    public void SeePathsFrom(string folder, ConfigTree tree) => ChangePaths("", tree.Root, _root, (_, path) => Path.IsPathRooted(path) ? path : Path.GetRelativePath(folder, path));

    private static void ExpandKeys(JsonObject keys, SchemaNode schema)
    {
        foreach ((string former, string now) in schema.FormerNames)
        {
            if (keys.ContainsKey(former) && !keys.ContainsKey(now))
            {
                JsonNode? value = keys[former];
                keys.Remove(former);
                keys[now] = value;
            }
        }

        foreach (string key in keys.Select(static pair => pair.Key).ToArray())
        {
            if (schema.Property(key) is SchemaNode property)
            {
                keys[key] = Expanded(keys, key, property);
            }
        }
    }

    private static JsonNode? Expanded(JsonObject keys, string key, SchemaNode schema)
    {
        JsonNode? value = keys[key];
        keys.Remove(key);
        return Expanded(value, schema);
    }

    private static JsonNode? Expanded(JsonNode? value, SchemaNode schema)
    {
        SchemaNode full = schema.Full;
        if (schema.Shorthand is string shorthand && MayStandAlone(value, full, shorthand))
        {
            value = shorthand == "[]" ? new JsonArray(value) : new JsonObject { [shorthand] = value };
        }

        if (value is JsonObject keys)
        {
            ExpandKeys(keys, full);
        }
        else if (value is JsonArray elements && full.Items is SchemaNode item)
        {
            JsonNode?[] expanded = [.. elements];
            elements.Clear();
            foreach (JsonNode? element in expanded)
            {
                elements.Add(Expanded(element, item));
            }
        }

        return value;
    }

    private static bool MayStandAlone(JsonNode? value, SchemaNode full, string shorthand) => value switch
    {
        JsonObject keys => shorthand == "[]" || IsElement(keys, full, shorthand),
        JsonArray => shorthand != "[]" && full.Property(shorthand)?.Shorthand == "[]",
        JsonValue => value.GetValueKind() == System.Text.Json.JsonValueKind.String || (shorthand == "[]" && value.GetValueKind() == System.Text.Json.JsonValueKind.Number),
        _ => false,
    };

    /// <summary>Whether an object is meant as the one element of the main key's array: it has a key that only such elements have, and no key that they haven't.</summary>
    private static bool IsElement(JsonObject keys, SchemaNode full, string shorthand) =>
        full.Property(shorthand)?.Full.Items?.Full is SchemaNode element
        && keys.Any(key => full.Property(key.Key) is null)
        && keys.All(key => element.Property(key.Key) is not null);

    private void Check(ConfigTree tree, string path, JsonNode? value, SchemaNode schema)
    {
        SchemaNode full = schema.Full;
        if (!full.Accepts(value))
        {
            throw tree.Error(path, $"{path} is {Shown(value)}, but has to be {schema.ExpectedInsteadOf(value)}");
        }

        if (value is JsonObject keys)
        {
            CheckKeys(tree, path, keys, full);
        }
        else if (value is JsonArray elements)
        {
            for (int i = 0; i < elements.Count; i++)
            {
                Check(tree, ConfigTree.Element(path, i), elements[i], full.Items!.Value);
            }
        }
    }

    private void CheckKeys(ConfigTree tree, string path, JsonObject keys, SchemaNode schema)
    {
        foreach ((string key, JsonNode? value) in keys)
        {
            string inner = ConfigTree.Key(path, key);
            Check(tree, inner, value, schema.Property(key) ?? throw tree.Error(inner, _unknown.Sentence(path, key, schema)));
        }

        foreach (string missing in schema.Required.Where(key => !keys.ContainsKey(key)))
        {
            throw tree.Error(path, $"{ConfigTree.Key(path, missing)} is missing ({schema.Property(missing)!.Value.Description!.TrimEnd('.')})");
        }
    }

    private static void ChangePaths(string path, JsonObject keys, SchemaNode schema, Func<string, string, string> change)
    {
        foreach ((string key, JsonNode? value) in keys.ToArray())
        {
            SchemaNode property = schema.Property(key)!.Value.Full;
            string inner = ConfigTree.Key(path, key);
            if (property.IsPath && value is JsonValue text)
            {
                string written = text.GetValue<string>();
                string changed = change(inner, written);
                keys[key] = property.Hub is HubKind hub && HubFiles.IsId(written, hub) && !Path.Exists(changed) ? written : changed;
            }
            else if (value is JsonObject nested)
            {
                ChangePaths(inner, nested, property, change);
            }
            else if (value is JsonArray elements && property.Items?.Full is SchemaNode item)
            {
                for (int i = 0; i < elements.Count; i++)
                {
                    if (elements[i] is JsonObject element)
                    {
                        ChangePaths(ConfigTree.Element(inner, i), element, item, change);
                    }
                }
            }
        }
    }

    private static string FromHere(string path, string folder)
    {
        if (Path.IsPathRooted(path))
        {
            return path;
        }

        string relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), Path.GetFullPath(Path.Combine(folder, path)));
        return Path.IsPathRooted(folder) ? Path.GetFullPath(relative) : relative;
    }

    private static string Shown(JsonNode? value)
    {
        string text = value?.ToJsonString() ?? "null";
        return text.Length <= 60 ? text : $"{text[..60]}...";
    }
}
