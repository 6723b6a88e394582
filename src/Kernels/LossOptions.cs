namespace MnrEngine.Kernels;

/// <summary>How two embeddings are compared.</summary>
public enum Similarity
{
    /// <summary>The dot product of the embeddings divided by their lengths (each at least 1e-12).</summary>
    Cosine,

    /// <summary>The dot product.</summary>
    Dot,
}

/// <summary>The similarity matrices that enter the ranking loss (sentence-transformers' <c>directions</c>).</summary>
[Flags]
public enum RankingDirections
{
    /// <summary>Each query against all documents; always needed.</summary>
    QueryToDocument = 1,

    /// <summary>Each query against the other queries.</summary>
    QueryToQuery = 2,

    /// <summary>Each query's positive against all queries.</summary>
    DocumentToQuery = 4,

    /// <summary>Each query's positive against the documents of other queries.</summary>
    DocumentToDocument = 8,
}

/// <summary>Over what the softmax of the ranking loss runs (sentence-transformers' <c>partition_mode</c>).</summary>
public enum RankingPartition
{
    /// <summary>One softmax over all selected matrices together.</summary>
    Joint,

    /// <summary>One softmax a direction; the loss is their mean. Only for the directions between queries and documents.</summary>
    PerDirection,
}

/// <summary>Which documents get a penalty that grows with their similarity (sentence-transformers' <c>hardness_mode</c>).</summary>
public enum RankingHardness
{
    /// <summary>None.</summary>
    None,

    /// <summary>All documents of other queries.</summary>
    InBatchNegatives,

    /// <summary>The query's own hard negatives.</summary>
    HardNegatives,

    /// <summary>Everything but the query's own positive.</summary>
    AllNegatives,
}

/// <summary>What the softmax classifier is given of a pair of embeddings u and v, side by side in this order (sentence-transformers' <c>concatenation_sent_*</c>).</summary>
[Flags]
public enum PairFeatures
{
    /// <summary>u and v themselves.</summary>
    Embeddings = 1,

    /// <summary>|u - v|, element by element.</summary>
    Difference = 2,

    /// <summary>u * v, element by element.</summary>
    Product = 4,
}

/// <summary>How a pair's transformed cosine t is compared with its label y (sentence-transformers' <c>loss_fct</c>, torch's losses with their defaults).</summary>
public enum PairError
{
    /// <summary>(t - y)^2: torch's MSELoss.</summary>
    Squared,

    /// <summary>|t - y|: torch's L1Loss, whose gradient is 0 where t = y.</summary>
    Absolute,

    /// <summary>(t - y)^2 / 2 where |t - y| is below 1, else |t - y| - 1/2: torch's SmoothL1Loss with beta 1 and HuberLoss with delta 1.</summary>
    Huber,
}

/// <summary>What a pair's cosine c goes through before it is compared (sentence-transformers' <c>cos_score_transformation</c>).</summary>
public enum CosineTransform
{
    /// <summary>c itself.</summary>
    Identity,

    /// <summary>1 / (1 + e^-c).</summary>
    Sigmoid,

    /// <summary>tanh c.</summary>
    Tanh,

    /// <summary>max(0, c), whose gradient is 0 where c = 0.</summary>
    Relu,
}

/// <summary>The parameters of the cosine similarity loss.</summary>
/// <param name="Error">How transformed cosines are compared with labels.</param>
/// <param name="Transform">What cosines go through before.</param>
public readonly record struct CosineLossOptions(PairError Error = PairError.Squared, CosineTransform Transform = CosineTransform.Identity);

/// <summary>The width of <see cref="PairFeatures"/>.</summary>
public static class PairFeaturesParts
{
    /// <summary>How many times an embedding's width the features take.</summary>
    public static int Parts(this PairFeatures features) =>
        ((features & PairFeatures.Embeddings) != 0 ? 2 : 0) + ((features & PairFeatures.Difference) != 0 ? 1 : 0) + ((features & PairFeatures.Product) != 0 ? 1 : 0);
}

/// <summary>The parameters of the multiple-negatives-ranking loss, with sentence-transformers' names and defaults.</summary>
/// <param name="Scale">The factor on similarities (1 / temperature), above 0.</param>
/// <param name="Similarity">How embeddings are compared.</param>
/// <param name="Directions">The similarity matrices used.</param>
/// <param name="Partition">Over what the softmax runs.</param>
/// <param name="Hardness">Which documents are penalised.</param>
/// <param name="HardnessStrength">The penalty is this times the similarity, without gradient, added to the scaled similarity.</param>
public readonly record struct RankingLossOptions(
    float Scale = 20,
    Similarity Similarity = Similarity.Cosine,
    RankingDirections Directions = RankingDirections.QueryToDocument,
    RankingPartition Partition = RankingPartition.Joint,
    RankingHardness Hardness = RankingHardness.None,
    float HardnessStrength = 0)
{
    /// <summary>The defaults. Without this constructor <c>new RankingLossOptions()</c> would be all zeros.</summary>
    public RankingLossOptions()
        : this(Scale: 20)
    {
    }
}
