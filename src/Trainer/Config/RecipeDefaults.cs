using System.Text.Json;
using System.Text.Json.Nodes;

namespace MnrEngine.Trainer.Config;

/// <summary>The defaults, which are JSON files themselves (Recipes/*.json), and how one layer of keys goes over another.</summary>
internal static class RecipeDefaults
{
    // Keys that say the same thing in two ways: one given in a higher layer takes the other one out of the layers below.
    private static readonly (string Given, string Cleared)[] Alternatives =
        [("epochs", "max_steps"), ("warmup_ratio", "warmup_steps"), ("warmup_steps", "warmup_ratio")];

    /// <summary>The defaults that all recipes share.</summary>
    public static JsonObject Common() => Read("defaults");

    /// <summary>The parameters of each loss and their defaults.</summary>
    public static JsonObject Losses() => Read("losses");

    /// <summary>All defaults of a recipe.</summary>
    /// <param name="recipe">trainer, fit or article.</param>
    public static JsonObject Of(string recipe)
    {
        JsonObject defaults = Common();
        Overlay(defaults, Read(recipe));
        return defaults;
    }

    /// <summary>Puts a layer of keys over another: objects key by key, everything else whole.</summary>
    public static void Overlay(JsonObject target, JsonObject over)
    {
        foreach ((string given, string cleared) in Alternatives)
        {
            if (over[given] is not null && !over.ContainsKey(cleared) && target.ContainsKey(cleared))
            {
                target[cleared] = null;
            }
        }

        foreach ((string key, JsonNode? value) in over)
        {
            if (value is JsonObject nested && target[key] is JsonObject existing)
            {
                Overlay(existing, nested);
            }
            else
            {
                target[key] = value?.DeepClone();
            }
        }
    }

    private static JsonObject Read(string name)
    {
        string resource = $"MnrEngine.Trainer.Recipes.{name}.json";
        using Stream stream = typeof(RecipeDefaults).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"the program was built without {resource}");
        return JsonNode.Parse(stream, documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip })!.AsObject();
    }
}
