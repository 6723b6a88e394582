using System.Text.Json.Nodes;
using MnrEngine.Kernels;

namespace MnrEngine.Serialization;

/// <summary>
/// The shape of a network, whichever its architecture under the names of transformers' BertConfig. A new one has that class's defaults (those of
/// bert-base-uncased); <see cref="Default"/> has those of an architecture.
/// </summary>
public sealed record TransformerConfiguration
{
    private static readonly (string Name, Activation Activation)[] KnownActivations =
    [
        ("gelu", Activation.Gelu),
        ("gelu_new", Activation.GeluTanh),
        ("gelu_pytorch_tanh", Activation.GeluTanh),
        ("gelu_fast", Activation.GeluTanh),
        ("relu", Activation.Relu),
    ];

    /// <summary>The kind of network.</summary>
    public TransformerArchitecture Architecture { get; init; } = TransformerArchitecture.Bert;

    /// <summary>Entries of the word embedding.</summary>
    public int VocabSize { get; init; } = 30522;

    /// <summary>Width of every token's vector.</summary>
    public int HiddenSize { get; init; } = 768;

    /// <summary>Transformer layers.</summary>
    public int NumHiddenLayers { get; init; } = 12;

    /// <summary>Attention heads; divides <see cref="HiddenSize"/>.</summary>
    public int NumAttentionHeads { get; init; } = 12;

    /// <summary>Width between the two linear layers of the feed-forward block.</summary>
    public int IntermediateSize { get; init; } = 3072;

    /// <summary>The feed-forward block's activation, as the config names it: <c>gelu</c>, <c>gelu_new</c>, ...</summary>
    public string HiddenAct { get; init; } = "gelu";

    /// <summary>Dropout after the embeddings, the attention and the feed-forward block, in [0, 1).</summary>
    public double HiddenDropoutProb { get; init; } = 0.1;

    /// <summary>Dropout on the attention probabilities, in [0, 1).</summary>
    public double AttentionProbsDropoutProb { get; init; } = 0.1;

    /// <summary>Entries of the position embedding.</summary>
    public int MaxPositionEmbeddings { get; init; } = 512;

    /// <summary>Entries of the token-type embedding, of which a sentence encoder uses the first; 0 for an architecture without.</summary>
    public int TypeVocabSize { get; init; } = 2;

    /// <summary>Standard deviation of the normal distribution that new weights are drawn from.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Added to the variance in LayerNorm.</summary>
    public double LayerNormEps { get; init; } = 1e-12;

    /// <summary>
    /// The padding token, or null. Its word embedding starts at zero in a new network and, as torch's padding_idx has it, never
    /// gets a gradient, even where a text spells the token out.
    /// </summary>
    public int? PadTokenId { get; init; } = 0;

    /// <summary>The whole object that the configuration was read from, with the keys that the engine does not use; empty for a new one.</summary>
    public JsonObject Source { get; init; } = [];

    /// <summary>The longest sentence that the network can read, in tokens.</summary>
    public int LongestSentence => MaxPositionEmbeddings - Architecture.FirstPosition;

    /// <summary>Width of one attention head.</summary>
    public int HeadSize => HiddenSize / NumAttentionHeads;

    /// <summary><see cref="HiddenAct"/> as the kernels name it.</summary>
    public Activation Activation => FindActivation(HiddenAct) ?? throw new ArgumentException($"{HiddenAct} is not an activation that a network can have");

    /// <summary>The configuration that transformers gives an architecture when nothing is said.</summary>
    public static TransformerConfiguration Default(TransformerArchitecture architecture) =>
        architecture == TransformerArchitecture.Mpnet
            ? new TransformerConfiguration { Architecture = architecture, VocabSize = 30527, TypeVocabSize = 0, PadTokenId = architecture.FixedPaddingToken }
            : architecture == TransformerArchitecture.DistilBert
                ? new TransformerConfiguration { Architecture = architecture, NumHiddenLayers = 6, TypeVocabSize = 0 }
                : new TransformerConfiguration();

    /// <summary>Reads a model's config.json.</summary>
    /// <exception cref="InputException">The file is missing or malformed, describes another kind of network, or a value is out of range.</exception>
    public static TransformerConfiguration Read(string path) => Read(JsonFile.ReadObject(path), path);

    /// <summary>Reads a configuration from an object, such as the one inside a training config that describes a new model.</summary>
    /// <param name="source">The object; it is copied.</param>
    /// <param name="where">The file or key that holds it, for an error's sentence.</param>
    /// <exception cref="InputException">The object describes another kind of network, or a value is out of range.</exception>
    public static TransformerConfiguration Read(JsonObject source, string where)
    {
        JsonFields fields = new((JsonObject)source.DeepClone(), where);
        TransformerArchitecture architecture = ReadArchitecture(fields);
        RefuseVariants(fields, architecture);
        TransformerConfiguration otherwise = Default(architecture);
        string activationKey = architecture.KeyOf("hidden_act");
        string act = fields.Text(activationKey) ?? otherwise.HiddenAct;
        if (FindActivation(act) is null)
        {
            throw fields.Wrong(activationKey, $"one of {string.Join(", ", KnownActivations.Select(known => known.Name))}");
        }

        TransformerConfiguration configuration = otherwise with
        {
            VocabSize = Size("vocab_size", otherwise.VocabSize),
            HiddenSize = Size("hidden_size", otherwise.HiddenSize),
            NumHiddenLayers = Size("num_hidden_layers", otherwise.NumHiddenLayers),
            NumAttentionHeads = Size("num_attention_heads", otherwise.NumAttentionHeads),
            IntermediateSize = Size("intermediate_size", otherwise.IntermediateSize),
            HiddenAct = act,
            HiddenDropoutProb = Probability("hidden_dropout_prob", otherwise.HiddenDropoutProb),
            AttentionProbsDropoutProb = Probability("attention_probs_dropout_prob", otherwise.AttentionProbsDropoutProb),
            MaxPositionEmbeddings = Size("max_position_embeddings", otherwise.MaxPositionEmbeddings),
            TypeVocabSize = architecture.HasKey("type_vocab_size") ? Size("type_vocab_size", otherwise.TypeVocabSize) : 0,
            InitializerRange = fields.Number("initializer_range", otherwise.InitializerRange, value => value >= 0, "a number from 0 on"),
            LayerNormEps = architecture.HasKey("layer_norm_eps")
                ? fields.Number("layer_norm_eps", otherwise.LayerNormEps, value => value > 0, "a number above 0") : otherwise.LayerNormEps,
            PadTokenId = ReadPadTokenId(fields, otherwise.PadTokenId),
            Source = fields.Source,
        };
        configuration.CheckTogether(fields);
        return configuration;

        int Size(string key, int whenAbsent) => fields.Integer(architecture.KeyOf(key), whenAbsent, 1);

        double Probability(string key, double whenAbsent) =>
            fields.Number(architecture.KeyOf(key), whenAbsent, value => value is >= 0 and < 1, "a probability from 0 to less than 1");
    }

    /// <summary>
    /// The config.json of a saved model: what the configuration was read from, with what it says about the network brought up to
    /// date. The weights are saved in single precision as a bare network, whatever file they came from. Keys in order, as
    /// transformers writes them.
    /// </summary>
    internal JsonObject ToSavedJson()
    {
        SortedDictionary<string, JsonNode?> keys = new(StringComparer.Ordinal);
        foreach ((string key, JsonNode? value) in Source)
        {
            keys[key] = value?.DeepClone();
        }

        keys.Remove("dtype"); // what version 5 of transformers calls torch_dtype, which it still reads
        keys["architectures"] = new JsonArray(Architecture.ModelClass);
        keys["model_type"] = Architecture.ModelType;
        keys["torch_dtype"] = "float32";
        Set("attention_probs_dropout_prob", AttentionProbsDropoutProb);
        Set("hidden_act", HiddenAct);
        Set("hidden_dropout_prob", HiddenDropoutProb);
        Set("hidden_size", HiddenSize);
        Set("initializer_range", InitializerRange);
        Set("intermediate_size", IntermediateSize);
        Set("layer_norm_eps", LayerNormEps);
        Set("max_position_embeddings", MaxPositionEmbeddings);
        Set("num_attention_heads", NumAttentionHeads);
        Set("num_hidden_layers", NumHiddenLayers);
        Set("pad_token_id", PadTokenId);
        Set("type_vocab_size", TypeVocabSize);
        Set("vocab_size", VocabSize);
        if (Architecture == TransformerArchitecture.Bert)
        {
            keys["position_embedding_type"] = "absolute";
        }

        if (Architecture.RelativePositions is not null)
        {
            keys["relative_attention_num_buckets"] = RelativePositions.Buckets;
        }

        return new JsonObject(keys);

        void Set(string key, JsonNode? value)
        {
            if (Architecture.HasKey(key))
            {
                keys[Architecture.KeyOf(key)] = value;
            }
        }
    }

    private static Activation? FindActivation(string name)
    {
        foreach ((string known, Activation activation) in KnownActivations)
        {
            if (known == name)
            {
                return activation;
            }
        }

        return null;
    }

    private static TransformerArchitecture ReadArchitecture(JsonFields fields)
    {
        string type = fields.Text("model_type") ?? TransformerArchitecture.Bert.ModelType;
        return TransformerArchitecture.All.FirstOrDefault(known => known.ModelType == type)
            ?? throw new InputException(
                $"model_type in {fields.Where} is \"{type}\", a kind of network that is not supported; supported are {string.Join(", ", TransformerArchitecture.All)}");
    }

    /// <summary>Networks of the same name that compute something else.</summary>
    private static void RefuseVariants(JsonFields fields, TransformerArchitecture architecture)
    {
        if (fields.Text("position_embedding_type") is string positions && positions != "absolute")
        {
            throw new InputException($"position_embedding_type in {fields.Where} is \"{positions}\", which is not supported; supported is \"absolute\"");
        }

        foreach (string decoder in (string[])["is_decoder", "add_cross_attention"])
        {
            if (fields.Flag(decoder, false))
            {
                throw new InputException($"{decoder} in {fields.Where} is true, but only encoders, which have it false, are supported");
            }
        }

        if (fields.Flag("sinusoidal_pos_embds", false))
        {
            throw new InputException($"sinusoidal_pos_embds in {fields.Where} is true, but only networks that learn their positions, which have it false, are supported");
        }

        if (architecture.RelativePositions is not null
            && fields.Integer("relative_attention_num_buckets", RelativePositions.Buckets, 1) != RelativePositions.Buckets)
        {
            throw fields.Wrong("relative_attention_num_buckets", $"{RelativePositions.Buckets}, the only number of relative positions that is supported,");
        }
    }

    /// <summary>Absent means the architecture's; null means that no token is a padding token.</summary>
    private static int? ReadPadTokenId(JsonFields fields, int? otherwise) =>
        fields.Source.ContainsKey("pad_token_id") && !fields.Has("pad_token_id") ? null : fields.Integer("pad_token_id", otherwise ?? 0, 0);

    private void CheckTogether(JsonFields fields)
    {
        string hidden = Architecture.KeyOf("hidden_size");
        if (HiddenSize % NumAttentionHeads != 0)
        {
            throw new InputException($"{hidden} {HiddenSize} in {fields.Where} is not a multiple of {Architecture.KeyOf("num_attention_heads")} {NumAttentionHeads}");
        }

        if (PadTokenId >= VocabSize)
        {
            throw new InputException($"pad_token_id {PadTokenId} in {fields.Where} is not below vocab_size {VocabSize}");
        }

        if (Architecture.FixedPaddingToken is int padding && PadTokenId != padding)
        {
            throw fields.Wrong("pad_token_id", $"{padding}, as every {Architecture} network has it,");
        }

        if (LongestSentence < 1)
        {
            throw fields.Wrong("max_position_embeddings", $"a number above {Architecture.FirstPosition}, the position of a sentence's first token,");
        }

        foreach ((string key, int rows) in ((string, int)[])
            [("vocab_size", VocabSize), ("max_position_embeddings", MaxPositionEmbeddings), ("type_vocab_size", TypeVocabSize), ("intermediate_size", IntermediateSize), ("hidden_size", HiddenSize)])
        {
            if ((long)rows * HiddenSize > Array.MaxLength)
            {
                throw new InputException($"{Architecture.KeyOf(key)} {rows} times {hidden} {HiddenSize} in {fields.Where} makes a weight of more than {Array.MaxLength} numbers");
            }
        }
    }
}
