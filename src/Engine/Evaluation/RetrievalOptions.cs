namespace MnrEngine.Evaluation;

/// <summary>At which ranks the figures of an information retrieval are taken, with sentence-transformers' names and defaults.</summary>
public sealed record RetrievalOptions
{
    /// <summary>Whether a relevant document is among the first k.</summary>
    public IReadOnlyList<int> AccuracyAtK { get; init; } = [1, 3, 5, 10];

    /// <summary>The share of the first k that is relevant, and of the relevant that is among the first k.</summary>
    public IReadOnlyList<int> PrecisionRecallAtK { get; init; } = [1, 3, 5, 10];

    /// <summary>1 / the rank of the first relevant document.</summary>
    public IReadOnlyList<int> MrrAtK { get; init; } = [10];

    /// <summary>Normalised discounted cumulative gain.</summary>
    public IReadOnlyList<int> NdcgAtK { get; init; } = [10];

    /// <summary>The mean over queries of the average precision.</summary>
    public IReadOnlyList<int> MapAtK { get; init; } = [100];

    /// <summary>How many documents of each query matter.</summary>
    public int LargestK => AccuracyAtK.Concat(PrecisionRecallAtK).Concat(MrrAtK).Concat(NdcgAtK).Concat(MapAtK).Max();
}
