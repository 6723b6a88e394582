using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MnrEngine.Text;

/// <summary>
/// Writes the files that transformers of every age read a WordPiece tokenizer from: old ones vocab.txt with tokenizer_config.json
/// and special_tokens_map.json, newer ones tokenizer.json. Special tokens are plain strings there, the only form that all know.
/// </summary>
internal sealed class TokenizerWriter(WordPieceTokenizer tokenizer, int maxLength)
{
    private static readonly JsonWriterOptions Format = new()
    {
        Indented = true,
        NewLine = "\n",

        // Tokens stay readable, as in the files that Hugging Face writes; these are no web pages.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly TokenizerOptions _options = tokenizer.Options;

    /// <summary>Writes all files into a folder that exists.</summary>
    public void Write(string folder)
    {
        VocabularyFile.Write(Path.Combine(folder, VocabularyFile.Name), tokenizer.ModelTokens);
        WriteJson(Path.Combine(folder, TokenizerJson.Name), WriteTokenizer);
        WriteJson(Path.Combine(folder, TokenizerFolder.ConfigurationName), WriteConfiguration);
        WriteJson(Path.Combine(folder, TokenizerFolder.SpecialTokensName), WriteSpecialTokens);
        if (HasTokensBeyondModel)
        {
            WriteJson(Path.Combine(folder, TokenizerFolder.AddedTokensName), WriteTokensBeyondModel);
        }
    }

    private bool HasTokensBeyondModel => tokenizer.VocabularySize > tokenizer.ModelTokens.Count;

    private static void WriteJson(string path, Action<Utf8JsonWriter> writeMembers)
    {
        using FileStream stream = new(path, FileMode.Create, FileAccess.Write);
        using Utf8JsonWriter json = new(stream, Format);
        json.WriteStartObject();
        writeMembers(json);
        json.WriteEndObject();
        json.Flush();
        stream.WriteByte((byte)'\n');
    }

    private void WriteConfiguration(Utf8JsonWriter json)
    {
        // Versions from 4.34 on take the flags of tokens that are not among the five special ones from here.
        string[] special = [.. SpecialTokens().Select(entry => entry.Token)];
        if (tokenizer.AddedTokens.Any(added => !special.Contains(added.Token.Content)))
        {
            json.WriteStartObject("added_tokens_decoder");
            foreach ((AddedToken token, int id) in tokenizer.AddedTokens)
            {
                json.WriteStartObject(id.ToString(CultureInfo.InvariantCulture));
                WriteAddedToken(json, token);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteBoolean("clean_up_tokenization_spaces", _options.CleanUpSpaces);
        json.WriteBoolean("do_lower_case", _options.Lowercase);
        json.WriteNumber("model_max_length", maxLength);
        WriteOptional(json, "strip_accents", _options.StripAccents);
        json.WriteBoolean("tokenize_chinese_chars", _options.TokenizeChineseChars);
        json.WriteString("tokenizer_class", _options.TokenizerClass);
        WriteSpecialTokens(json);
    }

    private void WriteSpecialTokens(Utf8JsonWriter json)
    {
        foreach ((string key, string token) in SpecialTokens())
        {
            json.WriteString(key, token);
        }
    }

    // Only those that exist: transformers would add the others to the vocabulary, beyond the rows of the embedding.
    private IEnumerable<(string Key, string Token)> SpecialTokens()
    {
        (string Key, string Token)[] all =
        [
            ("cls_token", _options.ClassifyToken),
            ("mask_token", _options.MaskToken),
            ("pad_token", _options.PaddingToken),
            ("sep_token", _options.SeparatorToken),
            ("unk_token", _options.UnknownToken),
        ];
        return all.Where(entry => tokenizer.IdOf(entry.Token) is not null);
    }

    private void WriteTokensBeyondModel(Utf8JsonWriter json)
    {
        foreach ((AddedToken token, int id) in tokenizer.AddedTokens.Where(added => added.Id >= tokenizer.ModelTokens.Count))
        {
            json.WriteNumber(token.Content, id);
        }
    }

    private void WriteTokenizer(Utf8JsonWriter json)
    {
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        foreach ((AddedToken token, int id) in tokenizer.AddedTokens)
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            WriteAddedToken(json, token);
            json.WriteEndObject();
        }

        json.WriteEndArray();

        json.WriteStartObject("normalizer");
        json.WriteString("type", "BertNormalizer");
        json.WriteBoolean("clean_text", _options.CleanText);
        json.WriteBoolean("handle_chinese_chars", _options.TokenizeChineseChars);
        WriteOptional(json, "strip_accents", _options.StripAccents);
        json.WriteBoolean("lowercase", _options.Lowercase);
        json.WriteEndObject();

        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "BertPreTokenizer");
        json.WriteEndObject();

        WritePostProcessor(json);

        json.WriteStartObject("decoder");
        json.WriteString("type", "WordPiece");
        json.WriteString("prefix", _options.ContinuingSubwordPrefix);
        json.WriteBoolean("cleanup", _options.CleanUpSpaces);
        json.WriteEndObject();

        json.WriteStartObject("model");
        json.WriteString("type", "WordPiece");
        json.WriteString("unk_token", _options.UnknownToken);
        json.WriteString("continuing_subword_prefix", _options.ContinuingSubwordPrefix);
        json.WriteNumber("max_input_chars_per_word", _options.MaxInputCharactersPerWord);
        json.WriteStartObject("vocab");
        for (int id = 0; id < tokenizer.ModelTokens.Count; id++)
        {
            json.WriteNumber(tokenizer.ModelTokens[id], id);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WritePostProcessor(Utf8JsonWriter json)
    {
        string classify = _options.ClassifyToken;
        string separator = _options.SeparatorToken;

        // MPNet, like RoBERTa, puts two separators between the sentences of a pair.
        string[] between = _options.TokenizerClass == TokenizerOptions.Mpnet.TokenizerClass ? [separator, separator] : [separator];
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        json.WriteStartArray("single");
        WriteTemplate(json, "SpecialToken", classify, 0);
        WriteTemplate(json, "Sequence", "A", 0);
        WriteTemplate(json, "SpecialToken", separator, 0);
        json.WriteEndArray();
        json.WriteStartArray("pair");
        WriteTemplate(json, "SpecialToken", classify, 0);
        WriteTemplate(json, "Sequence", "A", 0);
        foreach (string token in between)
        {
            WriteTemplate(json, "SpecialToken", token, 0);
        }

        WriteTemplate(json, "Sequence", "B", 1);
        WriteTemplate(json, "SpecialToken", separator, 1);
        json.WriteEndArray();
        json.WriteStartObject("special_tokens");
        WriteTemplateToken(json, classify, tokenizer.ClassifyId);
        if (separator != classify)
        {
            WriteTemplateToken(json, separator, tokenizer.SeparatorId);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteTemplate(Utf8JsonWriter json, string kind, string id, int tokenType)
    {
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", tokenType);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteTemplateToken(Utf8JsonWriter json, string token, int id)
    {
        json.WriteStartObject(token);
        json.WriteString("id", token);
        json.WriteStartArray("ids");
        json.WriteNumberValue(id);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(token);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteAddedToken(Utf8JsonWriter json, AddedToken token)
    {
        json.WriteString("content", token.Content);
        json.WriteBoolean("single_word", token.SingleWord);
        json.WriteBoolean("lstrip", token.LeftStrip);
        json.WriteBoolean("rstrip", token.RightStrip);
        json.WriteBoolean("normalized", token.Normalized);
        json.WriteBoolean("special", token.Special);
    }

    private static void WriteOptional(Utf8JsonWriter json, string key, bool? value)
    {
        if (value is bool flag)
        {
            json.WriteBoolean(key, flag);
        }
        else
        {
            json.WriteNull(key);
        }
    }
}
