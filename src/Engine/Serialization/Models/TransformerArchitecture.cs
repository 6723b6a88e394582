namespace MnrEngine.Serialization;

/// <summary>
/// A kind of network. BERT, MPNet and DistilBERT are the same post-LN encoder but for what is said here: their parts, and what transformers calls
/// them in config.json and in the file of the weights.
/// </summary>
public sealed class TransformerArchitecture
{
    private readonly Dictionary<string, string> _renamedKeys = [];
    private readonly HashSet<string> _missingKeys = [];

    private TransformerArchitecture()
    {
    }

    /// <summary>BERT (Devlin et al., 2018).</summary>
    public static TransformerArchitecture Bert { get; } = new()
    {
        ModelType = "bert",
        ModelClass = "BertModel",
        HasTokenTypes = true,
        HasPooler = true,
        HasAttentionOutputDropout = true,
        Names = new LayerNames(
            "encoder.layer", "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "attention.output.LayerNorm",
            "intermediate.dense", "output.dense", "output.LayerNorm"),
    };

    /// <summary>MPNet (Song et al., 2020): relative positions beside the absolute ones, which begin behind those of a padding token, and no token types.</summary>
    public static TransformerArchitecture Mpnet { get; } = new()
    {
        ModelType = "mpnet",
        ModelClass = "MPNetModel",
        HasPooler = true,
        HasAttentionOutputDropout = true,
        FixedPaddingToken = 1,
        RelativePositions = "encoder.relative_attention_bias.weight",
        Names = new LayerNames(
            "encoder.layer", "attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o", "attention.LayerNorm",
            "intermediate.dense", "output.dense", "output.LayerNorm"),
        _missingKeys = { "type_vocab_size" },
    };

    /// <summary>DistilBERT (Sanh et al., 2019): no token types, no pooler, no dropout behind the attention, and keys of its own.</summary>
    public static TransformerArchitecture DistilBert { get; } = new()
    {
        ModelType = "distilbert",
        ModelClass = "DistilBertModel",
        Names = new LayerNames(
            "transformer.layer", "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm",
            "ffn.lin1", "ffn.lin2", "output_layer_norm"),
        _missingKeys = { "type_vocab_size", "layer_norm_eps" },
        _renamedKeys =
        {
            ["hidden_size"] = "dim",
            ["num_hidden_layers"] = "n_layers",
            ["num_attention_heads"] = "n_heads",
            ["intermediate_size"] = "hidden_dim",
            ["hidden_act"] = "activation",
            ["hidden_dropout_prob"] = "dropout",
            ["attention_probs_dropout_prob"] = "attention_dropout",
        },
    };

    /// <summary>All kinds that are supported.</summary>
    public static IReadOnlyList<TransformerArchitecture> All { get; } = [Bert, Mpnet, DistilBert];

    /// <summary>What config.json calls it in <c>model_type</c>; its parameters have this before their names where a file holds more than the network.</summary>
    public required string ModelType { get; init; }

    /// <summary>transformers' class of the bare network.</summary>
    public required string ModelClass { get; init; }

    /// <summary>Whether the embedding has token types, of which a sentence encoder uses the first.</summary>
    public bool HasTokenTypes { get; init; }

    /// <summary>Whether the network has a pooler, which a sentence encoder keeps and does not use.</summary>
    public bool HasPooler { get; init; }

    /// <summary>Whether the attention's output goes through dropout before it is added to its input.</summary>
    public bool HasAttentionOutputDropout { get; init; }

    /// <summary>The padding token of an architecture that leaves no choice, or null where config.json names it.</summary>
    public int? FixedPaddingToken { get; init; }

    /// <summary>The position of a sentence's first token: those up to a fixed padding token's are never used.</summary>
    public int FirstPosition => FixedPaddingToken + 1 ?? 0;

    /// <summary>The name of the table of relative positions, (32, heads), that all layers share; null for an architecture without.</summary>
    public string? RelativePositions { get; init; }

    /// <summary>The names of a layer's parts.</summary>
    internal LayerNames Names { get; private init; } = null!;

    /// <summary>Whether config.json has a key of BertConfig's, perhaps under another name.</summary>
    public bool HasKey(string key) => !_missingKeys.Contains(key);

    /// <summary>What config.json calls a key of BertConfig's.</summary>
    public string KeyOf(string key) => _renamedKeys.GetValueOrDefault(key, key);

    /// <inheritdoc/>
    public override string ToString() => ModelType;
}

/// <summary>What a layer's parts are called: linear layers without <c>.weight</c> and <c>.bias</c>, behind <c>{Layer}.{number}.</c></summary>
internal sealed record LayerNames(
    string Layer, string Query, string Key, string Value, string AttentionOutput, string AttentionNorm, string Intermediate, string Output, string OutputNorm);
