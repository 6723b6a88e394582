using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using MnrEngine.Hub;

namespace MnrEngine.Trainer.Config;

/// <summary>The model to train: one of <see cref="Path"/> and <see cref="New"/>.</summary>
[Shorthand("path")]
internal sealed record ModelConfig
{
    [Description("The folder of a model that sentence-transformers, transformers or this program saved, or the id of one on the Hugging Face hub, such as bert-base-uncased.")]
    [TransformersName("model_name_or_path", "hub")]
    [ConfigPath(HubKind.Model)]
    public string? Path { get; init; }

    [Description("The branch, tag or commit of a model on the hub. Default main.")]
    [TransformersName("model_revision")]
    public string? Revision { get; init; }

    [Description("A model with random weights, under transformers' names.")]
    public NewModelConfig? New { get; init; }

    [Description("The longest sentence in tokens, [CLS] and [SEP] included; the rest is cut off. Null for the model's own.")]
    [TransformersName("max_length")]
    [Range(2, 1 << 20)]
    public int? MaxSeqLength { get; init; }

    [Description("How a new model's token vectors become a sentence vector; several are concatenated. Default mean.")]
    [TransformersName("pooling_mode")]
    [Elements(1)]
    public IReadOnlyList<PoolingMode>? Pooling { get; init; }

    [Description("Whether a new model's embeddings are divided by their lengths. Default false.")]
    public bool? Normalize { get; init; }
}

/// <summary>A network with random weights, whichever under the names of transformers' BertConfig. What is left out is as in transformers' config of its kind.</summary>
internal sealed record NewModelConfig
{
    [Description("The kind of network. Default bert.")]
    public ModelType? ModelType { get; init; }

    [Description("The WordPiece vocabulary, a vocab.txt with one token a line. Around BERT's, a new mpnet puts its own special tokens.")]
    [TransformersName("vocab_file", "vocab")]
    [ConfigPath]
    public required string Vocabulary { get; init; }

    [Description("Whether the tokenizer lower-cases. Default true.")]
    [TransformersName("do_lower_case")]
    public bool? Lowercase { get; init; }

    [Description("The seed of the weights. Default: the run's.")]
    [Range(0.0, uint.MaxValue)]
    public long? Seed { get; init; }

    [Description("Width of a token's vector, a multiple of num_attention_heads.")]
    [Range(1, 1 << 20)]
    public required int HiddenSize { get; init; }

    [Description("Transformer layers.")]
    [Range(1, 10_000)]
    public required int NumHiddenLayers { get; init; }

    [Description("Attention heads.")]
    [Range(1, 1 << 16)]
    public required int NumAttentionHeads { get; init; }

    [Description("Width inside the feed-forward blocks.")]
    [Range(1, 1 << 20)]
    public required int IntermediateSize { get; init; }

    [Description("Activation of the feed-forward blocks. Default gelu.")]
    public HiddenActivation? HiddenAct { get; init; }

    [Description("Dropout after the embeddings and after each block. Default 0.1.")]
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double? HiddenDropoutProb { get; init; }

    [Description("Dropout on the attention probabilities. Default 0.1.")]
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double? AttentionProbsDropoutProb { get; init; }

    [Description("Positions: the longest sentence that the network can read, in tokens; mpnet uses two fewer. Default 512.")]
    [Range(2, 1 << 20)]
    public int? MaxPositionEmbeddings { get; init; }

    [Description("Token types, of which a sentence encoder uses the first. Default 2; only bert has them.")]
    [Range(1, 1 << 16)]
    public int? TypeVocabSize { get; init; }

    [Description("Standard deviation of the weights. Default 0.02.")]
    [Range(0.0, 1000)]
    public double? InitializerRange { get; init; }

    [Description("Added to the variance in LayerNorm. Default 1e-12, and always that in distilbert.")]
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double? LayerNormEps { get; init; }
}

/// <summary>Kinds of networks, with transformers' names.</summary>
internal enum ModelType
{
    [JsonStringEnumMemberName("bert")]
    Bert,
    [JsonStringEnumMemberName("mpnet")]
    Mpnet,
    [JsonStringEnumMemberName("distilbert")]
    DistilBert,
}

/// <summary>Ways of pooling, with sentence-transformers' names.</summary>
internal enum PoolingMode
{
    [JsonStringEnumMemberName("cls")]
    Cls,
    [JsonStringEnumMemberName("max")]
    Max,
    [JsonStringEnumMemberName("mean")]
    Mean,
    [JsonStringEnumMemberName("mean_sqrt_len_tokens")]
    MeanSqrtLength,
    [JsonStringEnumMemberName("weightedmean")]
    WeightedMean,
    [JsonStringEnumMemberName("lasttoken")]
    LastToken,
}

/// <summary>Activations of the feed-forward block, with transformers' names.</summary>
internal enum HiddenActivation
{
    [JsonStringEnumMemberName("gelu")]
    Gelu,
    [JsonStringEnumMemberName("gelu_new")]
    GeluNew,
    [JsonStringEnumMemberName("gelu_pytorch_tanh")]
    GeluPytorchTanh,
    [JsonStringEnumMemberName("relu")]
    Relu,
}
