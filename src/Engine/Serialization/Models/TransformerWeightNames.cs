using MnrEngine.Kernels;

namespace MnrEngine.Serialization;

/// <summary>A parameter of a network: its name as transformers' class of the network has it, and its shape.</summary>
/// <param name="Name">Such as <c>encoder.layer.0.attention.self.query.weight</c>.</param>
/// <param name="Shape">Its dimensions; a linear layer's weight is [out, in].</param>
public sealed record WeightName(string Name, IReadOnlyList<int> Shape);

/// <summary>The names and shapes of a network's parameters, and which tensor of a file each one is.</summary>
public static class TransformerWeightNames
{
    internal const string WordEmbeddings = "embeddings.word_embeddings.weight";
    internal const string PositionEmbeddings = "embeddings.position_embeddings.weight";
    internal const string TokenTypeEmbeddings = "embeddings.token_type_embeddings.weight";
    internal const string EmbeddingNorm = "embeddings.LayerNorm";

    /// <summary>The names of the pooler, the one part that a saved model may lack; none for an architecture without.</summary>
    public static IReadOnlyList<WeightName> Pooler(TransformerConfiguration configuration) =>
        configuration.Architecture.HasPooler ? [.. Linear("pooler.dense", configuration.HiddenSize, configuration.HiddenSize)] : [];

    /// <summary>Every parameter that a sentence encoder computes with (so not the pooler), in the order in which transformers declares them.</summary>
    public static IReadOnlyList<WeightName> Names(TransformerConfiguration configuration)
    {
        int hidden = configuration.HiddenSize;
        List<WeightName> names =
        [
            new(WordEmbeddings, [configuration.VocabSize, hidden]),
            new(PositionEmbeddings, [configuration.MaxPositionEmbeddings, hidden]),
        ];
        if (configuration.Architecture.HasTokenTypes)
        {
            names.Add(new(TokenTypeEmbeddings, [configuration.TypeVocabSize, hidden]));
        }

        names.AddRange(LayerNorm(EmbeddingNorm, hidden));
        LayerNames parts = configuration.Architecture.Names;
        for (int i = 0; i < configuration.NumHiddenLayers; i++)
        {
            string layer = $"{parts.Layer}.{i}";
            names.AddRange(Linear($"{layer}.{parts.Query}", hidden, hidden));
            names.AddRange(Linear($"{layer}.{parts.Key}", hidden, hidden));
            names.AddRange(Linear($"{layer}.{parts.Value}", hidden, hidden));
            names.AddRange(Linear($"{layer}.{parts.AttentionOutput}", hidden, hidden));
            names.AddRange(LayerNorm($"{layer}.{parts.AttentionNorm}", hidden));
            names.AddRange(Linear($"{layer}.{parts.Intermediate}", configuration.IntermediateSize, hidden));
            names.AddRange(Linear($"{layer}.{parts.Output}", hidden, configuration.IntermediateSize));
            names.AddRange(LayerNorm($"{layer}.{parts.OutputNorm}", hidden));
        }

        if (configuration.Architecture.RelativePositions is string relativePositions)
        {
            names.Add(new(relativePositions, [RelativePositions.Buckets, configuration.NumAttentionHeads]));
        }

        return names;
    }

    /// <summary>
    /// The file's name of each parameter it holds. Files differ: the network may lie under its type's name (<c>bert.</c>), beside task heads
    /// (<c>cls.*</c>, left out), and old ones call LayerNorm's weight and bias gamma and beta.
    /// </summary>
    /// <exception cref="InputException">Two tensors are the same parameter under different names.</exception>
    public static IReadOnlyDictionary<string, string> Match(IWeightSource source, TransformerArchitecture architecture)
    {
        Dictionary<string, string> stored = [];
        foreach (string name in source.Entries.Keys)
        {
            if (Canonical(name, architecture) is string canonical && !stored.TryAdd(canonical, name))
            {
                throw new InputException($"{source.Location(name)} and tensor {stored[canonical]} are both {canonical}");
            }
        }

        return stored;
    }

    private static string? Canonical(string name, TransformerArchitecture architecture)
    {
        string prefix = architecture.ModelType + ".";
        string inner = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
        string root = inner[..(inner.IndexOf('.') + 1)];
        bool isPart = root is "embeddings." or "pooler." || (root.Length > 0 && architecture.Names.Layer.StartsWith(root, StringComparison.Ordinal));
        if (!isPart)
        {
            return null;
        }

        return inner.EndsWith("LayerNorm.gamma", StringComparison.Ordinal) ? inner[..^"gamma".Length] + "weight"
            : inner.EndsWith("LayerNorm.beta", StringComparison.Ordinal) ? inner[..^"beta".Length] + "bias"
            : inner;
    }

    private static IEnumerable<WeightName> Linear(string name, int outputs, int inputs) =>
        [new($"{name}.weight", [outputs, inputs]), new($"{name}.bias", [outputs])];

    private static IEnumerable<WeightName> LayerNorm(string name, int width) =>
        [new($"{name}.weight", [width]), new($"{name}.bias", [width])];
}
