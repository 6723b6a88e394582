using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace MnrEngine.Trainer.Config;

/// <summary>
/// The loss, with sentence-transformers' parameters. Which of them a loss has, and their defaults, is said by Recipes/losses.json; the others are null.
/// </summary>
[Shorthand("type")]
internal sealed record LossConfig
{
    [Description("The loss's name in sentence-transformers. SoftmaxLoss needs a class for each row, CosineSimilarityLoss and CoSENTLoss a score.")]
    [FormerName("name")]
    [TransformersName("loss_type")]
    public required LossName Type { get; init; }

    [Description("The factor on similarities: 1 / temperature. MultipleNegativesRankingLoss and CoSENTLoss, default 20.")]
    [Range(0.0, 1e6, MinimumIsExclusive = true)]
    public double? Scale { get; init; }

    [Description("How two embeddings are compared. MultipleNegativesRankingLoss, default cos_sim; CoSENTLoss, default pairwise_cos_sim.")]
    [TransformersName("similarity")]
    public SimilarityFunction? SimilarityFct { get; init; }

    [Description("How a cosine is compared with its score: the name of a loss of torch, which has its defaults. CosineSimilarityLoss, default MSELoss.")]
    public PairErrorName? LossFct { get; init; }

    [Description("What a cosine goes through before: the name of a module of torch. CosineSimilarityLoss, default Identity.")]
    public CosineTransformName? CosScoreTransformation { get; init; }

    [Description("What is ranked against what, query_to_doc always among it. MultipleNegativesRankingLoss, default query_to_doc.")]
    [Elements(1, 4)]
    public IReadOnlyList<RankingDirection>? Directions { get; init; }

    [Description("Whether all directions share one softmax, or query_to_doc and doc_to_query have one each. MultipleNegativesRankingLoss, default joint.")]
    public PartitionMode? PartitionMode { get; init; }

    [Description("Which negatives weigh more the more similar they are; null for none. MultipleNegativesRankingLoss.")]
    public HardnessMode? HardnessMode { get; init; }

    [Description("The factor on that similarity. MultipleNegativesRankingLoss, default 0.")]
    [Range(0.0, 1e6)]
    public double? HardnessStrength { get; init; }

    [Description("The classes, numbered from 0; null for one more than the largest label in the data. SoftmaxLoss.")]
    [TransformersName("num_classes")]
    [Range(2, 1 << 20)]
    public int? NumLabels { get; init; }

    [Description("Whether the classifier sees both embeddings. SoftmaxLoss, default true.")]
    public bool? ConcatenationSentRep { get; init; }

    [Description("Whether the classifier sees the absolute difference of the embeddings. SoftmaxLoss, default true.")]
    public bool? ConcatenationSentDifference { get; init; }

    [Description("Whether the classifier sees the product of the embeddings, element by element. SoftmaxLoss, default false.")]
    public bool? ConcatenationSentMultiplication { get; init; }

    [Description("The loss at each dimension. MatryoshkaLoss, default MultipleNegativesRankingLoss.")]
    public WrappedLossConfig? Loss { get; init; }

    [Description("How many leading numbers of an embedding the loss is taken of, each time. MatryoshkaLoss, which needs it.")]
    [TransformersName("dims")]
    [Elements(1, 64)]
    public IReadOnlyList<int>? MatryoshkaDims { get; init; }

    [Description("The factor on the loss at each of them; null for 1. MatryoshkaLoss.")]
    [TransformersName("weights")]
    [Elements(1, 64)]
    public IReadOnlyList<double>? MatryoshkaWeights { get; init; }

    [Description("How many of the dimensions each batch draws; -1 for all. MatryoshkaLoss.")]
    [Range(-1, 64)]
    public int? NDimsPerStep { get; init; }
}

/// <summary>The loss inside a MatryoshkaLoss.</summary>
[Shorthand("type")]
internal sealed record WrappedLossConfig
{
    [Description("The loss's name in sentence-transformers.")]
    [FormerName("name")]
    public required WrappedLossName Type { get; init; }

    [Description("As loss.scale.")]
    [Range(0.0, 1e6, MinimumIsExclusive = true)]
    public double? Scale { get; init; }

    [Description("As loss.similarity_fct.")]
    public SimilarityFunction? SimilarityFct { get; init; }

    [Description("As loss.loss_fct.")]
    public PairErrorName? LossFct { get; init; }

    [Description("As loss.cos_score_transformation.")]
    public CosineTransformName? CosScoreTransformation { get; init; }

    [Description("As loss.directions.")]
    [Elements(1, 4)]
    public IReadOnlyList<RankingDirection>? Directions { get; init; }

    [Description("As loss.partition_mode.")]
    public PartitionMode? PartitionMode { get; init; }

    [Description("As loss.hardness_mode.")]
    public HardnessMode? HardnessMode { get; init; }

    [Description("As loss.hardness_strength.")]
    [Range(0.0, 1e6)]
    public double? HardnessStrength { get; init; }

    /// <summary>The same loss by itself.</summary>
    public LossConfig Unwrapped() => new()
    {
        Type = Type switch
        {
            WrappedLossName.CosineSimilarityLoss => LossName.CosineSimilarityLoss,
            WrappedLossName.CoSENTLoss => LossName.CoSENTLoss,
            _ => LossName.MultipleNegativesRankingLoss,
        },
        Scale = Scale,
        SimilarityFct = SimilarityFct,
        LossFct = LossFct,
        CosScoreTransformation = CosScoreTransformation,
        Directions = Directions,
        PartitionMode = PartitionMode,
        HardnessMode = HardnessMode,
        HardnessStrength = HardnessStrength,
    };
}

/// <summary>The losses there are.</summary>
internal enum LossName
{
    [JsonStringEnumMemberName("MultipleNegativesRankingLoss")]
    MultipleNegativesRankingLoss,
    [JsonStringEnumMemberName("SoftmaxLoss")]
    SoftmaxLoss,
    [JsonStringEnumMemberName("CosineSimilarityLoss")]
    CosineSimilarityLoss,
    [JsonStringEnumMemberName("CoSENTLoss")]
    CoSENTLoss,
    [JsonStringEnumMemberName("MatryoshkaLoss")]
    MatryoshkaLoss,
}

/// <summary>The losses that work at any dimension.</summary>
internal enum WrappedLossName
{
    [JsonStringEnumMemberName("MultipleNegativesRankingLoss")]
    MultipleNegativesRankingLoss,
    [JsonStringEnumMemberName("CosineSimilarityLoss")]
    CosineSimilarityLoss,
    [JsonStringEnumMemberName("CoSENTLoss")]
    CoSENTLoss,
}

/// <summary>How two embeddings are compared. sentence-transformers has a function for all pairs of two lists and one for the pairs of two lists side by side.</summary>
internal enum SimilarityFunction
{
    [JsonStringEnumMemberName("cos_sim")]
    Cosine,
    [JsonStringEnumMemberName("dot_score")]
    Dot,
    [JsonStringEnumMemberName("pairwise_cos_sim")]
    PairwiseCosine,
    [JsonStringEnumMemberName("pairwise_dot_score")]
    PairwiseDot,
}

/// <summary>How a cosine is compared with its score, by the names of torch's losses. The last two are the same with their defaults.</summary>
internal enum PairErrorName
{
    [JsonStringEnumMemberName("MSELoss")]
    Mse,
    [JsonStringEnumMemberName("L1Loss")]
    L1,
    [JsonStringEnumMemberName("SmoothL1Loss")]
    SmoothL1,
    [JsonStringEnumMemberName("HuberLoss")]
    Huber,
}

/// <summary>What a cosine goes through before it is compared, by the names of torch's modules.</summary>
internal enum CosineTransformName
{
    [JsonStringEnumMemberName("Identity")]
    Identity,
    [JsonStringEnumMemberName("Sigmoid")]
    Sigmoid,
    [JsonStringEnumMemberName("Tanh")]
    Tanh,
    [JsonStringEnumMemberName("ReLU")]
    Relu,
}

/// <summary>What is ranked against what.</summary>
internal enum RankingDirection
{
    [JsonStringEnumMemberName("query_to_doc")]
    QueryToDoc,
    [JsonStringEnumMemberName("query_to_query")]
    QueryToQuery,
    [JsonStringEnumMemberName("doc_to_query")]
    DocToQuery,
    [JsonStringEnumMemberName("doc_to_doc")]
    DocToDoc,
}

/// <summary>Over what the softmax runs.</summary>
internal enum PartitionMode
{
    [JsonStringEnumMemberName("joint")]
    Joint,
    [JsonStringEnumMemberName("per_direction")]
    PerDirection,
}

/// <summary>Which negatives are penalised by their similarity.</summary>
internal enum HardnessMode
{
    [JsonStringEnumMemberName("in_batch_negatives")]
    InBatchNegatives,
    [JsonStringEnumMemberName("hard_negatives")]
    HardNegatives,
    [JsonStringEnumMemberName("all_negatives")]
    AllNegatives,
}
