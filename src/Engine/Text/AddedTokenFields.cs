using System.Text.Json.Nodes;
using MnrEngine.Serialization;

namespace MnrEngine.Text;

/// <summary>Reads added tokens as tokenizer.json, tokenizer_config.json and special_tokens_map.json write them.</summary>
internal static class AddedTokenFields
{
    /// <summary>A token written as an object with its content and flags.</summary>
    public static AddedToken Read(JsonFields entry)
    {
        bool isSpecial = entry.Flag("special", false);
        entry.Require("content");
        return new AddedToken(entry.Text("content")!)
        {
            SingleWord = entry.Flag("single_word", false),
            LeftStrip = entry.Flag("lstrip", false),
            RightStrip = entry.Flag("rstrip", false),
            Normalized = entry.Flag("normalized", !isSpecial),
            Special = isSpecial,
        };
    }

    /// <summary>A special token written as its content alone or as an object; null where the key is missing.</summary>
    public static AddedToken? ReadSpecial(JsonFields fields, string key)
    {
        return fields.Source[key] switch
        {
            null => null,
            JsonObject entry => Read(new JsonFields(entry, $"{key} of {fields.Where}")) with { Special = true, Normalized = false },
            _ => new AddedToken(fields.Text(key)!),
        };
    }

    /// <summary>
    /// The tokens in the order of their ids, of which those in the vocabulary have to be the vocabulary's and the others those that
    /// follow it without a gap. <paramref name="ids"/> gains the others.
    /// </summary>
    public static List<AddedToken> Place(List<(int Id, AddedToken Token)> entries, Dictionary<string, int> ids, string where)
    {
        List<AddedToken> tokens = [];
        foreach ((int id, AddedToken token) in entries.OrderBy(entry => entry.Id))
        {
            int expected = ids.GetValueOrDefault(token.Content, ids.Count);
            if (id != expected)
            {
                throw new InputException($"\"{token.Content}\" has id {id} in {where} where the vocabulary makes it {expected}");
            }

            ids.TryAdd(token.Content, id);
            tokens.Add(token);
        }

        return tokens;
    }
}
