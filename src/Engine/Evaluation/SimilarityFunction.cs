namespace MnrEngine.Evaluation;

/// <summary>How alike two embeddings are taken to be; larger is more alike in each. The order is that of reports.</summary>
public enum SimilarityFunction
{
    /// <summary>The dot product of the two, each scaled to length 1.</summary>
    Cosine,

    /// <summary>The dot product.</summary>
    Dot,

    /// <summary>The Euclidean distance, negated.</summary>
    Euclidean,

    /// <summary>The sum of absolute differences, negated.</summary>
    Manhattan,
}
