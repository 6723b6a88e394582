using System.Text.Json;
using System.Text.Json.Nodes;
using MnrEngine.Serialization;

namespace MnrEngine.Text;

/// <summary>
/// Reads tokenizer.json of Hugging Face's tokenizers, as far as it describes a BERT tokenizer: WordPiece under BertNormalizer and
/// BertPreTokenizer, with one token before and one after a sentence. Its truncation and padding count for nothing, as in
/// sentence-transformers.
/// </summary>
internal static class TokenizerJson
{
    public const string Name = "tokenizer.json";

    /// <summary>A limit on words that is only there to refuse nonsense.</summary>
    private const int LongestWord = 1_000_000;

    /// <summary>The vocabulary and what is to be done with it.</summary>
    /// <exception cref="InputException">The file is missing, malformed, contradicts itself or describes another kind of tokenizer.</exception>
    public static (List<string> Vocabulary, TokenizerOptions Options) Read(string path)
    {
        JsonFields file = new(JsonFile.ReadObject(path), path);
        JsonFields model = ReadModel(file);
        List<string> vocabulary = ReadVocabulary(model);
        Dictionary<string, int> ids = new(StringComparer.Ordinal);
        foreach (string token in vocabulary)
        {
            ids.Add(token, ids.Count);
        }

        List<AddedToken> addedTokens = ReadAddedTokens(file, ids);
        JsonFields normalizer = Section(file, "normalizer", "BertNormalizer");
        Section(file, "pre_tokenizer", "BertPreTokenizer");
        (string classify, string separator) = ReadPostProcessor(Section(file, "post_processor"), ids);

        // The file does not say which token pads and which masks, so they are known by their names.
        TokenizerOptions names = classify == TokenizerOptions.Mpnet.ClassifyToken ? TokenizerOptions.Mpnet : TokenizerOptions.Bert;
        return (vocabulary, names with
        {
            ClassifyToken = classify,
            SeparatorToken = separator,
            UnknownToken = model.Text("unk_token") ?? names.UnknownToken,
            ContinuingSubwordPrefix = model.Text("continuing_subword_prefix") ?? names.ContinuingSubwordPrefix,
            MaxInputCharactersPerWord =
                model.Integer("max_input_chars_per_word", names.MaxInputCharactersPerWord, minimum: 1, LongestWord),
            AddedTokens = addedTokens,
            CleanText = normalizer.Flag("clean_text", true),
            TokenizeChineseChars = normalizer.Flag("handle_chinese_chars", true),
            StripAccents = normalizer.Has("strip_accents") ? normalizer.Flag("strip_accents", true) : null,
            Lowercase = normalizer.Flag("lowercase", true),
            CleanUpSpaces = !file.Has("decoder") || Section(file, "decoder", "WordPiece").Flag("cleanup", true),
        });
    }

    private static JsonFields ReadModel(JsonFields file)
    {
        JsonFields model = Section(file, "model");

        // Old files do not name the type; of the vocabularies that are objects only BPE's comes with merges.
        bool isWordPiece = model.Has("type")
            ? model.Text("type") == "WordPiece"
            : model.Source["vocab"] is JsonObject && !model.Has("merges");
        return isWordPiece ? model : throw model.Wrong("type", "\"WordPiece\", the only kind of tokenizer that is supported,");
    }

    private static List<string> ReadVocabulary(JsonFields model)
    {
        model.Require("vocab");
        JsonFields entries = new(model.Object("vocab")!, $"vocab of {model.Where}");
        string?[] vocabulary = new string?[entries.Source.Count];
        foreach ((string token, JsonNode? _) in entries.Source)
        {
            int id = entries.Integer(token, otherwise: -1, minimum: 0, vocabulary.Length - 1);
            if (id < 0)
            {
                throw entries.Wrong(token, "an id");
            }

            if (vocabulary[id] is string other)
            {
                throw new InputException($"\"{other}\" and \"{token}\" in {entries.Where} have the same id {id}");
            }

            vocabulary[id] = token;
        }

        // As many different ids as there are tokens, none of them beyond the last: no place is left empty.
        return [.. vocabulary.Select(token => token!)];
    }

    private static List<AddedToken> ReadAddedTokens(JsonFields file, Dictionary<string, int> ids)
    {
        List<(int Id, AddedToken Token)> entries = [];
        string where = $"added_tokens of {file.Where}";
        foreach (JsonNode? node in file.Array("added_tokens") ?? [])
        {
            JsonFields entry = new(node as JsonObject ?? throw file.Wrong("added_tokens", "an array of objects"), where);
            entries.Add((entry.RequiredInteger("id", minimum: 0), AddedTokenFields.Read(entry)));
        }

        return AddedTokenFields.Place(entries, ids, where);
    }

    private static (string Classify, string Separator) ReadPostProcessor(JsonFields processor, Dictionary<string, int> ids)
    {
        switch (processor.Text("type"))
        {
            case "BertProcessing" or "RobertaProcessing":
                return (ReadNameAndId(processor, "cls", ids), ReadNameAndId(processor, "sep", ids));

            case "TemplateProcessing":
                JsonNode?[] parts = [.. processor.Array("single") ?? []];
                if (parts.Length != 3 || NameOf(parts[0], "SpecialToken") is not string classify
                    || NameOf(parts[1], "Sequence") != "A" || NameOf(parts[2], "SpecialToken") is not string separator)
                {
                    throw processor.Wrong("single", "one special token, the sequence A and one special token");
                }

                RequireTemplateId(processor, classify, ids);
                RequireTemplateId(processor, separator, ids);
                return (classify, separator);

            default:
                throw processor.Wrong("type", "\"TemplateProcessing\", \"BertProcessing\" or \"RobertaProcessing\"");
        }
    }

    // "cls": ["[CLS]", 101]
    private static string ReadNameAndId(JsonFields processor, string key, Dictionary<string, int> ids)
    {
        JsonArray? pair = processor.Array(key);
        if (pair is not [JsonValue name, JsonValue id] || !name.TryGetValue(out string? token) || !id.TryGetValue(out int number))
        {
            throw processor.Wrong(key, "a token and its id");
        }

        return ids.TryGetValue(token, out int known) && known == number ? token
            : throw processor.Wrong(key, $"a token with the id it has in the vocabulary{DescribeId(token, ids)}");
    }

    // "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]}}
    private static void RequireTemplateId(JsonFields processor, string token, Dictionary<string, int> ids)
    {
        JsonFields tokens = Section(processor, "special_tokens");
        JsonFields entry = Section(tokens, token);
        if (entry.Array("ids") is not [JsonValue id] || !id.TryGetValue(out int number)
            || !ids.TryGetValue(token, out int known) || known != number)
        {
            throw tokens.Wrong(token, $"a token with the id it has in the vocabulary{DescribeId(token, ids)}");
        }
    }

    private static string DescribeId(string token, Dictionary<string, int> ids)
    {
        return ids.TryGetValue(token, out int id) ? $", {id}," : $", which lacks {token},";
    }

    private static string? NameOf(JsonNode? part, string kind)
    {
        return part is JsonObject source && source[kind] is JsonObject inner && inner["id"] is JsonValue name
            && name.TryGetValue(out string? text) ? text : null;
    }

    private static JsonFields Section(JsonFields fields, string key, string? type = null)
    {
        fields.Require(key);
        JsonFields section = new(fields.Object(key)!, $"{key} of {fields.Where}");
        return type is null || section.Text("type") == type ? section
            : throw section.Wrong("type", $"\"{type}\", the only one that is supported,");
    }
}
