using System.Numerics;
using MnrEngine.Kernels;

namespace MnrEngine.Serialization;

/// <summary>
/// Everything about a sentence encoder but its weights and its tokenizer: what the small JSON files of a model folder say.
/// </summary>
public sealed record EncoderDescription
{
    /// <summary>The network that makes token vectors.</summary>
    public required TransformerConfiguration Transformer { get; init; }

    /// <summary>The longest sentence in tokens, [CLS] and [SEP] included; the rest is cut off. At most the network's positions.</summary>
    public required int MaxSequenceLength { get; init; }

    /// <summary>How token vectors become a sentence vector; several modes are concatenated in the order of the enumeration.</summary>
    public PoolingModes Pooling { get; init; } = PoolingModes.Mean;

    /// <summary>Whether the tokens of a prompt take part in the pooling.</summary>
    public bool IncludePrompt { get; init; } = true;

    /// <summary>Whether texts are lower-cased before they reach the tokenizer, whatever that does itself.</summary>
    public bool LowerCase { get; init; }

    /// <summary>What happens to a sentence's vector after the pooling, in order.</summary>
    public IReadOnlyList<ModuleDescription> Modules { get; init; } = [];

    /// <summary>Texts that are put before a sentence, by name.</summary>
    public IReadOnlyDictionary<string, string> Prompts { get; init; } = new Dictionary<string, string>();

    /// <summary>The prompt used when none is asked for: a key of <see cref="Prompts"/>, or null for none.</summary>
    public string? DefaultPromptName { get; init; }

    /// <summary>How two embeddings are compared: <c>cosine</c>, <c>dot</c>, <c>euclidean</c> or <c>manhattan</c>.</summary>
    public string SimilarityFunction { get; init; } = "cosine";

    /// <summary>How many leading numbers of an embedding are kept, or null for all. Applied after every module.</summary>
    public int? TruncateDimension { get; init; }

    /// <summary>Width of what the pooling gives.</summary>
    public int PoolingDimension => Transformer.HiddenSize * BitOperations.PopCount((uint)Pooling);

    /// <summary>Width of a sentence's embedding.</summary>
    public int EmbeddingDimension
    {
        get
        {
            int width = Modules.OfType<DenseDescription>().LastOrDefault()?.OutFeatures ?? PoolingDimension;
            return Math.Min(width, TruncateDimension ?? width);
        }
    }
}
