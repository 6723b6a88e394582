using System.Globalization;
using System.Text.Json.Nodes;
using MnrEngine.Serialization;

namespace MnrEngine.Text;

/// <summary>
/// Reads the tokenizer of a model folder: tokenizer.json where there is one, else vocab.txt with what tokenizer_config.json,
/// special_tokens_map.json and added_tokens.json say and BertTokenizer's defaults. Where two files disagree, versions of
/// transformers disagree about which one counts, so that is an error.
/// </summary>
internal sealed class TokenizerFolder
{
    public const string ConfigurationName = "tokenizer_config.json";
    public const string SpecialTokensName = "special_tokens_map.json";
    public const string AddedTokensName = "added_tokens.json";

    /// <summary>The classes of transformers whose vocab.txt means the same as BERT's.</summary>
    private static readonly string[] BertClasses =
        ["BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer", "MPNetTokenizer", "RetriBertTokenizer"];

    private readonly string _folder;
    private readonly JsonFields _configuration;
    private readonly JsonFields _specialTokens;

    private TokenizerFolder(string folder)
    {
        _folder = folder;
        _configuration = ReadOptional(ConfigurationName);
        _specialTokens = ReadOptional(SpecialTokensName);
    }

    /// <summary>The vocabulary, what is to be done with it, and the file it came from.</summary>
    /// <exception cref="InputException">There is no tokenizer of a kind that is supported, or its files are malformed or disagree.</exception>
    public static (List<string> Vocabulary, TokenizerOptions Options, string Source) Read(string folder)
    {
        TokenizerFolder files = new(folder);
        string json = Path.Combine(folder, TokenizerJson.Name);
        if (File.Exists(json))
        {
            (List<string> vocabulary, TokenizerOptions options) = TokenizerJson.Read(json);
            return (vocabulary, files.Reconcile(options, json), json);
        }

        string text = Path.Combine(folder, VocabularyFile.Name);
        if (File.Exists(text))
        {
            List<string> vocabulary = VocabularyFile.Read(text);
            return (vocabulary, files.ReadOptions(vocabulary, text), text);
        }

        throw new InputException($"{folder} has neither {TokenizerJson.Name} nor {VocabularyFile.Name}");
    }

    // tokenizer.json says everything but which tokens pad and mask, and the maximum length.
    private TokenizerOptions Reconcile(TokenizerOptions options, string json)
    {
        RequireSame("do_lower_case", options.Lowercase, options.Lowercase, json);
        RequireSame("tokenize_chinese_chars", options.TokenizeChineseChars, options.TokenizeChineseChars, json);
        RequireSame("strip_accents", options.StripAccents ?? options.Lowercase, options.StripAccents ?? options.Lowercase, json);
        RequireSame("unk_token", options.UnknownToken, json);
        RequireSame("cls_token", options.ClassifyToken, json);
        RequireSame("sep_token", options.SeparatorToken, json);
        return options with
        {
            PaddingToken = SpecialToken("pad_token")?.Content ?? options.PaddingToken,
            MaskToken = SpecialToken("mask_token")?.Content ?? options.MaskToken,
            TokenizerClass = TokenizerClass ?? options.TokenizerClass,
            ModelMaxLength = ReadMaxLength(),
        };
    }

    private TokenizerOptions ReadOptions(List<string> vocabulary, string path)
    {
        string tokenizerClass = TokenizerClass ?? TokenizerOptions.Bert.TokenizerClass;
        if (!BertClasses.Contains(tokenizerClass))
        {
            throw _configuration.Wrong("tokenizer_class", $"one of {string.Join(", ", BertClasses)}, as there is no {TokenizerJson.Name},");
        }

        TokenizerOptions defaults =
            tokenizerClass == TokenizerOptions.Mpnet.TokenizerClass ? TokenizerOptions.Mpnet : TokenizerOptions.Bert;
        TokenizerOptions options = defaults with
        {
            Lowercase = _configuration.Flag("do_lower_case", true),
            StripAccents = _configuration.Has("strip_accents") ? _configuration.Flag("strip_accents", true) : null,
            TokenizeChineseChars = _configuration.Flag("tokenize_chinese_chars", true),
            UnknownToken = SpecialToken("unk_token")?.Content ?? defaults.UnknownToken,
            ClassifyToken = SpecialToken("cls_token")?.Content ?? defaults.ClassifyToken,
            SeparatorToken = SpecialToken("sep_token")?.Content ?? defaults.SeparatorToken,
            PaddingToken = SpecialToken("pad_token")?.Content ?? defaults.PaddingToken,
            MaskToken = SpecialToken("mask_token")?.Content ?? defaults.MaskToken,
            TokenizerClass = tokenizerClass,
            ModelMaxLength = ReadMaxLength(),
        };
        return options with { AddedTokens = ReadAddedTokens(options, defaults, vocabulary, path) };
    }

    private List<AddedToken> ReadAddedTokens(
        TokenizerOptions options, TokenizerOptions defaults, List<string> vocabulary, string path)
    {
        Dictionary<string, int> ids = new(StringComparer.Ordinal);
        foreach (string token in vocabulary)
        {
            ids.TryAdd(token, ids.Count);
        }

        // From the file that says most of a token to those that say least.
        List<(int Id, AddedToken Token)> entries = [.. ReadDecoder()];
        List<AddedToken> special = [.. ReadSpecialTokens(options, defaults)];
        foreach (AddedToken token in special)
        {
            if (ids.TryGetValue(token.Content, out int id) && !entries.Exists(entry => entry.Token.Content == token.Content))
            {
                entries.Add((id, token));
            }
        }

        JsonFields added = ReadOptional(AddedTokensName);
        foreach ((string content, JsonNode? _) in added.Source)
        {
            if (!entries.Exists(entry => entry.Token.Content == content))
            {
                AddedToken token = special.Find(token => token.Content == content)
                    ?? new AddedToken(content) { Special = false, Normalized = true };
                entries.Add((added.RequiredInteger(content, minimum: 0), token));
            }
        }

        foreach (AddedToken token in ReadAdditionalSpecialTokens())
        {
            if (!entries.Exists(entry => entry.Token.Content == token.Content))
            {
                throw new InputException(
                    $"the additional special token \"{token.Content}\" of {_folder} is neither in {path} nor in {AddedTokensName}");
            }
        }

        return AddedTokenFields.Place(entries, ids, _folder);
    }

    // "added_tokens_decoder": {"0": {"content": "[PAD]", "lstrip": false, ...}}
    private IEnumerable<(int Id, AddedToken Token)> ReadDecoder()
    {
        if (_configuration.Object("added_tokens_decoder") is not JsonObject decoder)
        {
            yield break;
        }

        JsonFields entries = new(decoder, $"added_tokens_decoder of {_configuration.Where}");
        foreach ((string key, JsonNode? _) in decoder)
        {
            entries.Require(key);
            JsonFields entry = new(entries.Object(key)!, $"\"{key}\" in {entries.Where}");
            yield return int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                ? (id, AddedTokenFields.Read(entry))
                : throw new InputException($"{entries.Where} has the key \"{key}\" where an id is expected");
        }
    }

    private IEnumerable<AddedToken> ReadSpecialTokens(TokenizerOptions options, TokenizerOptions defaults)
    {
        (string Key, string Content)[] named =
        [
            ("pad_token", options.PaddingToken),
            ("unk_token", options.UnknownToken),
            ("cls_token", options.ClassifyToken),
            ("sep_token", options.SeparatorToken),
            ("mask_token", options.MaskToken),
        ];
        IEnumerable<AddedToken> specialTokens = named.Select(name =>
        {
            // A name alone does not say how to strip, which is where a class's own defaults count.
            JsonFields fields = _specialTokens.Has(name.Key) ? _specialTokens : _configuration;
            AddedToken? known = defaults.AddedTokens?.FirstOrDefault(token => token.Content == name.Content);
            return fields.Source[name.Key] is JsonObject ? AddedTokenFields.ReadSpecial(fields, name.Key)!
                : known ?? new AddedToken(name.Content);
        });
        return specialTokens.Concat(ReadAdditionalSpecialTokens()).DistinctBy(token => token.Content);
    }

    private IEnumerable<AddedToken> ReadAdditionalSpecialTokens()
    {
        const string Key = "additional_special_tokens";
        foreach (JsonFields fields in (JsonFields[])[_specialTokens, _configuration])
        {
            foreach (JsonNode? node in fields.Array(Key) ?? [])
            {
                JsonFields entry = new(new JsonObject { [Key] = node?.DeepClone() }, fields.Where);
                yield return AddedTokenFields.ReadSpecial(entry, Key) ?? throw fields.Wrong(Key, "an array of tokens");
            }
        }
    }

    private AddedToken? SpecialToken(string key)
    {
        AddedToken? configured = AddedTokenFields.ReadSpecial(_configuration, key);
        AddedToken? mapped = AddedTokenFields.ReadSpecial(_specialTokens, key);
        if (configured is not null && mapped is not null && configured.Content != mapped.Content)
        {
            throw new InputException(
                $"{key} is \"{configured.Content}\" in {_configuration.Where} but \"{mapped.Content}\" in {_specialTokens.Where}");
        }

        return mapped ?? configured;
    }

    // The fast and the slow class of one tokenizer are saved alike; only the slow name is known to every version.
    private string? TokenizerClass
    {
        get
        {
            string? name = _configuration.Text("tokenizer_class");
            return name is not null && name.EndsWith("Fast", StringComparison.Ordinal) && BertClasses.Contains(name[..^4]) ? name[..^4] : name;
        }
    }

    private int? ReadMaxLength()
    {
        double length = _configuration.Number(
            "model_max_length", double.PositiveInfinity, number => number >= 2 && number == Math.Floor(number), "a number of tokens from 2 on");
        return length < int.MaxValue ? (int)length : null;
    }

    private void RequireSame(string key, bool value, bool otherwise, string json)
    {
        if (_configuration.Flag(key, otherwise) != value)
        {
            throw new InputException($"{key} in {_configuration.Where} contradicts the normalizer of {json}");
        }
    }

    private void RequireSame(string key, string token, string json)
    {
        if (SpecialToken(key) is AddedToken declared && declared.Content != token)
        {
            throw new InputException($"{key} is \"{declared.Content}\" beside {json}, which has \"{token}\" in its place");
        }
    }

    private JsonFields ReadOptional(string name)
    {
        string path = Path.Combine(_folder, name);
        return new JsonFields(File.Exists(path) ? JsonFile.ReadObject(path) : [], path);
    }
}
