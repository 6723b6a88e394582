using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace MnrEngine.Trainer.Config;

/// <summary>The loss, with sentence-transformers' parameters.</summary>
internal sealed record LossConfig
{
    [Description("The loss's name in sentence-transformers.")]
    public required LossName Name { get; init; }

    [Description("The factor on similarities: 1 / temperature.")]
    [Range(0.0, 1e6, MinimumIsExclusive = true)]
    public required double Scale { get; init; }

    [Description("How two embeddings are compared.")]
    [TransformersName("similarity")]
    public required SimilarityFunction SimilarityFct { get; init; }
}

/// <summary>The losses there are.</summary>
internal enum LossName
{
    [JsonStringEnumMemberName("MultipleNegativesRankingLoss")]
    MultipleNegativesRankingLoss,
}

/// <summary>How two embeddings are compared.</summary>
internal enum SimilarityFunction
{
    [JsonStringEnumMemberName("cos_sim")]
    Cosine,
    [JsonStringEnumMemberName("dot_score")]
    Dot,
}
