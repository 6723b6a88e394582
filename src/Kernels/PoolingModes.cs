namespace MnrEngine.Kernels;

/// <summary>
/// How the token vectors of a sentence become one vector. Several modes may be combined: their results are concatenated in the order
/// in which they are declared here, which is sentence-transformers' order.
/// </summary>
[Flags]
public enum PoolingModes
{
    /// <summary>No mode: not a valid choice.</summary>
    None = 0,

    /// <summary>The first token's vector.</summary>
    Cls = 1,

    /// <summary>The largest value of each column.</summary>
    Max = 2,

    /// <summary>The sum divided by the number of tokens.</summary>
    Mean = 4,

    /// <summary>The sum divided by the square root of the number of tokens.</summary>
    MeanSqrtLength = 8,

    /// <summary>The mean weighted by position: the first token counts 1, the second 2, and so on.</summary>
    WeightedMean = 16,

    /// <summary>The last token's vector.</summary>
    LastToken = 32,
}
