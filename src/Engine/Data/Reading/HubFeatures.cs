using System.Text.Json;

namespace MnrEngine.Data.Reading;

/// <summary>What the Hugging Face hub's library notes in a Parquet file about its columns.</summary>
internal static class HubFeatures
{
    private const string Key = "huggingface";
    private static readonly string[] UsualOrder = ["entailment", "neutral", "contradiction"];

    /// <summary>
    /// The class names of integer label columns, by column, where they are NLI's in another than the usual order: there the number alone
    /// would be taken for another label. All other numbers stay numbers.
    /// </summary>
    public static Dictionary<string, IReadOnlyList<string>> ClassNames(IReadOnlyDictionary<string, string>? metadata)
    {
        Dictionary<string, IReadOnlyList<string>> found = [];
        if (metadata is null || !metadata.TryGetValue(Key, out string? text))
        {
            return found;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            foreach (JsonProperty column in document.RootElement.GetProperty("info").GetProperty("features").EnumerateObject())
            {
                if (column.Value.ValueKind == JsonValueKind.Object && column.Value.TryGetProperty("names", out JsonElement names) && names.ValueKind == JsonValueKind.Array)
                {
                    string[] classes = [.. names.EnumerateArray().Select(static name => name.ToString().ToLowerInvariant())];
                    if (!classes.SequenceEqual(UsualOrder) && classes.Order().SequenceEqual(UsualOrder.Order()))
                    {
                        found[column.Name] = classes;
                    }
                }
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // A note in some other form says nothing.
            found.Clear();
        }

        return found;
    }
}
