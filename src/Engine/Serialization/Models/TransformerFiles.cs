namespace MnrEngine.Serialization;

/// <summary>Reads the settings that lie beside a network: config.json, sentence_bert_config.json and tokenizer_config.json.</summary>
internal static class TransformerFiles
{
    public const string EncoderConfiguration = "sentence_bert_config.json";

    public const string TokenizerConfiguration = "tokenizer_config.json";

    /// <summary>The encoder that these files describe, with mean pooling.</summary>
    public static EncoderDescription Read(string folder)
    {
        TransformerConfiguration transformer = TransformerConfiguration.Read(Path.Combine(folder, "config.json"));
        JsonFields? encoder = ReadOptional(Path.Combine(folder, EncoderConfiguration));
        JsonFields? tokenizer = ReadOptional(Path.Combine(folder, TokenizerConfiguration));
        if (encoder?.Text("transformer_task") is string task && task != "feature-extraction")
        {
            throw encoder.Wrong("transformer_task", "\"feature-extraction\"");
        }

        return new EncoderDescription
        {
            Transformer = transformer,
            MaxSequenceLength = ReadMaxSequenceLength(encoder, tokenizer, transformer.LongestSentence),
            LowerCase = encoder?.Flag("do_lower_case", false) ?? false,
        };
    }

    /// <summary>An object in a file that a model may lack.</summary>
    public static JsonFields? ReadOptional(string path) => File.Exists(path) ? new JsonFields(JsonFile.ReadObject(path), path) : null;

    /// <summary>
    /// The encoder's own max_seq_length wins over the tokenizer's model_max_length, which is often a number like 10^30 for "none".
    /// sentence-transformers lets the former exceed the positions that the network has, and then fails on the first sentence that
    /// is so long; here such a sentence is cut to what the network can read.
    /// </summary>
    private static int ReadMaxSequenceLength(JsonFields? encoder, JsonFields? tokenizer, int positions)
    {
        double? length = Length(encoder, "max_seq_length") ?? Length(tokenizer, "model_max_length");
        return (int)Math.Min(length ?? positions, positions);
    }

    private static double? Length(JsonFields? fields, string key) => fields is null || !fields.Has(key) ? null
        : fields.Number(key, 0, length => length >= 3 && length == Math.Floor(length), "a whole number of tokens from 3 on, [CLS] and [SEP] included");
}
