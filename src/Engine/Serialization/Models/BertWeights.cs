namespace MnrEngine.Serialization;

/// <summary>A parameter of a network: its name as Hugging Face's BertModel has it, and its shape.</summary>
/// <param name="Name">Such as <c>encoder.layer.0.attention.self.query.weight</c>.</param>
/// <param name="Shape">Its dimensions; a linear layer's weight is [out, in].</param>
public sealed record WeightName(string Name, IReadOnlyList<int> Shape);

/// <summary>The names and shapes of BERT's parameters, and which tensor of a file each one is.</summary>
public static class BertWeights
{
    /// <summary>The names of the pooler, the one part that a saved model may lack.</summary>
    public static IReadOnlyList<WeightName> Pooler(BertConfiguration configuration) => [.. Linear("pooler.dense", configuration.HiddenSize, configuration.HiddenSize)];

    /// <summary>Every parameter that a sentence encoder computes with (so not the pooler), in the order in which BertModel declares them.</summary>
    public static IReadOnlyList<WeightName> Names(BertConfiguration configuration)
    {
        int hidden = configuration.HiddenSize;
        List<WeightName> names =
        [
            new("embeddings.word_embeddings.weight", [configuration.VocabSize, hidden]),
            new("embeddings.position_embeddings.weight", [configuration.MaxPositionEmbeddings, hidden]),
            new("embeddings.token_type_embeddings.weight", [configuration.TypeVocabSize, hidden]),
            .. LayerNorm("embeddings.LayerNorm", hidden),
        ];
        for (int i = 0; i < configuration.NumHiddenLayers; i++)
        {
            string layer = $"encoder.layer.{i}";
            names.AddRange(Linear($"{layer}.attention.self.query", hidden, hidden));
            names.AddRange(Linear($"{layer}.attention.self.key", hidden, hidden));
            names.AddRange(Linear($"{layer}.attention.self.value", hidden, hidden));
            names.AddRange(Linear($"{layer}.attention.output.dense", hidden, hidden));
            names.AddRange(LayerNorm($"{layer}.attention.output.LayerNorm", hidden));
            names.AddRange(Linear($"{layer}.intermediate.dense", configuration.IntermediateSize, hidden));
            names.AddRange(Linear($"{layer}.output.dense", hidden, configuration.IntermediateSize));
            names.AddRange(LayerNorm($"{layer}.output.LayerNorm", hidden));
        }

        return names;
    }

    /// <summary>
    /// The file's name of each BertModel parameter it holds. Files differ: the network may lie under <c>bert.</c>, beside task heads
    /// (<c>cls.*</c>, left out), and old ones call LayerNorm's weight and bias gamma and beta.
    /// </summary>
    /// <exception cref="InputException">Two tensors are the same parameter under different names.</exception>
    public static IReadOnlyDictionary<string, string> Match(IWeightSource source)
    {
        Dictionary<string, string> stored = [];
        foreach (string name in source.Entries.Keys)
        {
            if (Canonical(name) is string canonical && !stored.TryAdd(canonical, name))
            {
                throw new InputException($"{source.Location(name)} and tensor {stored[canonical]} are both {canonical}");
            }
        }

        return stored;
    }

    private static string? Canonical(string name)
    {
        string inner = name.StartsWith("bert.", StringComparison.Ordinal) ? name["bert.".Length..] : name;
        if (!inner.StartsWith("embeddings.", StringComparison.Ordinal)
            && !inner.StartsWith("encoder.", StringComparison.Ordinal)
            && !inner.StartsWith("pooler.", StringComparison.Ordinal))
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
