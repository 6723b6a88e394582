using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MnrEngine.Trainer.Config;

/// <summary>What to say about a key that a config does not have.</summary>
internal sealed partial class UnknownKey
{
    private const int FewKeys = 12;

    private readonly List<(string Path, string Name)> _names = [];

    /// <summary>Collects the names of all keys, and what others call them.</summary>
    public UnknownKey(SchemaNode root) => Collect("", root);

    /// <summary>The sentence: what the key is called, where it belongs, or what it may have been meant to be.</summary>
    /// <param name="parent">The path of the object.</param>
    /// <param name="key">The unknown key.</param>
    /// <param name="schema">The object's schema.</param>
    public string Sentence(string parent, string key, SchemaNode schema)
    {
        string unknown = $"{ConfigTree.Key(parent, key)} is not a known key";
        string[] meant = [.. _names.Where(name => name.Name == key).Select(static name => name.Path).Distinct()];
        string place = Number().Replace(parent, "[]");
        if (meant.FirstOrDefault(path => Parent(path) == place) is string renamed)
        {
            return $"{unknown}; it is called {renamed} here";
        }

        if (meant.Length > 0)
        {
            // What is inside an object inside another is a variant of what the outer one has.
            int depth = meant.Min(static path => path.Count(static c => c == '.'));
            return $"{unknown}; {key} is set by {string.Join(" or ", meant.Where(path => path.Count(static c => c == '.') == depth))}";
        }

        string[] known = [.. schema.Properties.Select(static property => property.Key)];
        (string nearest, int distance) = known.Select(name => (name, Distance(key, name))).MinBy(static candidate => candidate.Item2);
        if (distance <= Math.Max(2, key.Length / 3))
        {
            return $"{unknown}; did you mean {nearest}?";
        }

        return known.Length <= FewKeys ? $"{unknown}; known are {string.Join(", ", known)}" : $"{unknown}; docs/config.md lists them";
    }

    private static string Parent(string path) => path[..Math.Max(0, path.LastIndexOf('.'))];

    private void Collect(string path, SchemaNode schema)
    {
        foreach ((string key, JsonNode? value) in schema.Full.Properties)
        {
            SchemaNode property = new(value!.AsObject());
            string inner = ConfigTree.Key(path, key);
            _names.Add((inner, key));
            _names.AddRange(property.OtherNames.Select(name => (inner, name)));
            Collect(inner, property);
            if (property.Full.Items is SchemaNode item)
            {
                Collect($"{inner}[]", item);
            }
        }
    }

    [GeneratedRegex(@"\[\d+\]")]
    private static partial Regex Number();

    /// <summary>The number of letters to change, add or leave out (Levenshtein).</summary>
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, 1 + Math.Min(row[j - 1], row[j]));
            }
        }

        return row[^1];
    }
}
