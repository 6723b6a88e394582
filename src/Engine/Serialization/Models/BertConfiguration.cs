using System.Text.Json.Nodes;
using MnrEngine.Kernels;

namespace MnrEngine.Serialization;

/// <summary>
/// The shape of a BERT network: transformers' BertConfig under its own names, with its defaults (those of bert-base-uncased).
/// </summary>
public sealed record BertConfiguration
{
    private static readonly (string Name, Activation Activation)[] KnownActivations =
    [
        ("gelu", Activation.Gelu),
        ("gelu_new", Activation.GeluTanh),
        ("gelu_pytorch_tanh", Activation.GeluTanh),
        ("gelu_fast", Activation.GeluTanh),
        ("relu", Activation.Relu),
    ];

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

    /// <summary>Entries of the position embedding: the longest sentence that the network can read, in tokens.</summary>
    public int MaxPositionEmbeddings { get; init; } = 512;

    /// <summary>Entries of the token-type embedding, of which a sentence encoder uses the first.</summary>
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

    /// <summary>Width of one attention head.</summary>
    public int HeadSize => HiddenSize / NumAttentionHeads;

    /// <summary><see cref="HiddenAct"/> as the kernels name it.</summary>
    public Activation Activation => FindActivation(HiddenAct) ?? throw new ArgumentException($"{HiddenAct} is not an activation that BERT can have");

    /// <summary>Reads a model's config.json.</summary>
    /// <exception cref="InputException">The file is missing or malformed, describes another kind of network, or a value is out of range.</exception>
    public static BertConfiguration Read(string path) => Read(JsonFile.ReadObject(path), path);

    /// <summary>Reads a configuration from an object, such as the one inside a training config that describes a new model.</summary>
    /// <param name="source">The object; it is copied.</param>
    /// <param name="where">The file or key that holds it, for an error's sentence.</param>
    /// <exception cref="InputException">The object describes another kind of network, or a value is out of range.</exception>
    public static BertConfiguration Read(JsonObject source, string where)
    {
        JsonFields fields = new((JsonObject)source.DeepClone(), where);
        RefuseOtherNetworks(fields);
        BertConfiguration otherwise = new();
        string act = fields.Text("hidden_act") ?? otherwise.HiddenAct;
        if (FindActivation(act) is null)
        {
            throw fields.Wrong("hidden_act", $"one of {string.Join(", ", KnownActivations.Select(known => known.Name))}");
        }

        BertConfiguration configuration = new()
        {
            VocabSize = fields.Integer("vocab_size", otherwise.VocabSize, 1),
            HiddenSize = fields.Integer("hidden_size", otherwise.HiddenSize, 1),
            NumHiddenLayers = fields.Integer("num_hidden_layers", otherwise.NumHiddenLayers, 1),
            NumAttentionHeads = fields.Integer("num_attention_heads", otherwise.NumAttentionHeads, 1),
            IntermediateSize = fields.Integer("intermediate_size", otherwise.IntermediateSize, 1),
            HiddenAct = act,
            HiddenDropoutProb = Probability(fields, "hidden_dropout_prob", otherwise.HiddenDropoutProb),
            AttentionProbsDropoutProb = Probability(fields, "attention_probs_dropout_prob", otherwise.AttentionProbsDropoutProb),
            MaxPositionEmbeddings = fields.Integer("max_position_embeddings", otherwise.MaxPositionEmbeddings, 1),
            TypeVocabSize = fields.Integer("type_vocab_size", otherwise.TypeVocabSize, 1),
            InitializerRange = fields.Number("initializer_range", otherwise.InitializerRange, value => value >= 0, "a number from 0 on"),
            LayerNormEps = fields.Number("layer_norm_eps", otherwise.LayerNormEps, value => value > 0, "a number above 0"),
            PadTokenId = ReadPadTokenId(fields),
            Source = fields.Source,
        };
        configuration.CheckTogether(fields);
        return configuration;
    }

    /// <summary>
    /// The config.json of a saved model: what the configuration was read from, with what it says about the network brought up to
    /// date. The weights are saved in single precision as a bare BertModel, whatever file they came from. Keys in order, as
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
        keys["architectures"] = new JsonArray("BertModel");
        keys["attention_probs_dropout_prob"] = AttentionProbsDropoutProb;
        keys["hidden_act"] = HiddenAct;
        keys["hidden_dropout_prob"] = HiddenDropoutProb;
        keys["hidden_size"] = HiddenSize;
        keys["initializer_range"] = InitializerRange;
        keys["intermediate_size"] = IntermediateSize;
        keys["layer_norm_eps"] = LayerNormEps;
        keys["max_position_embeddings"] = MaxPositionEmbeddings;
        keys["model_type"] = "bert";
        keys["num_attention_heads"] = NumAttentionHeads;
        keys["num_hidden_layers"] = NumHiddenLayers;
        keys["pad_token_id"] = PadTokenId;
        keys["position_embedding_type"] = "absolute";
        keys["torch_dtype"] = "float32";
        keys["type_vocab_size"] = TypeVocabSize;
        keys["vocab_size"] = VocabSize;
        return new JsonObject(keys);
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

    private static void RefuseOtherNetworks(JsonFields fields)
    {
        if (fields.Text("model_type") is string type && type != "bert")
        {
            throw new InputException($"model_type in {fields.Where} is \"{type}\", a kind of network that is not supported; supported is \"bert\"");
        }

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
    }

    private static double Probability(JsonFields fields, string key, double otherwise) =>
        fields.Number(key, otherwise, value => value is >= 0 and < 1, "a probability from 0 to less than 1");

    /// <summary>Absent means 0; null means that no token is a padding token.</summary>
    private static int? ReadPadTokenId(JsonFields fields) =>
        fields.Source.ContainsKey("pad_token_id") && !fields.Has("pad_token_id") ? null : fields.Integer("pad_token_id", 0, 0);

    private void CheckTogether(JsonFields fields)
    {
        if (HiddenSize % NumAttentionHeads != 0)
        {
            throw new InputException($"hidden_size {HiddenSize} in {fields.Where} is not a multiple of num_attention_heads {NumAttentionHeads}");
        }

        if (PadTokenId >= VocabSize)
        {
            throw new InputException($"pad_token_id {PadTokenId} in {fields.Where} is not below vocab_size {VocabSize}");
        }

        foreach ((string key, int rows) in ((string, int)[])
            [("vocab_size", VocabSize), ("max_position_embeddings", MaxPositionEmbeddings), ("type_vocab_size", TypeVocabSize), ("intermediate_size", IntermediateSize), ("hidden_size", HiddenSize)])
        {
            if ((long)rows * HiddenSize > Array.MaxLength)
            {
                throw new InputException($"{key} {rows} times hidden_size {HiddenSize} in {fields.Where} makes a weight of more than {Array.MaxLength} numbers");
            }
        }
    }
}
