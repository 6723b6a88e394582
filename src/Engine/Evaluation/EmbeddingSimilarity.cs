namespace MnrEngine.Evaluation;

/// <summary>Scores embeddings of sentence pairs against gold similarities, as EmbeddingSimilarityEvaluator does.</summary>
/// <remarks>
/// Similarities are computed in double precision from the float32 embeddings, where sentence-transformers normalises and multiplies in
/// float32: the figures agree to about six decimals, and ours don't depend on the order of summation.
/// </remarks>
public static class EmbeddingSimilarity
{
    // torch.nn.functional.normalize divides by no less.
    private const double SmallestNorm = 1e-12;

    /// <summary>Correlates the similarity of each pair with its gold score.</summary>
    /// <param name="embeddings1">The embeddings of the first sentences, row after row: (pairs, dimension).</param>
    /// <param name="embeddings2">The embeddings of the second sentences, likewise.</param>
    /// <param name="dimension">The length of an embedding.</param>
    /// <param name="gold">The gold score of each pair.</param>
    /// <exception cref="ArgumentException">The sizes don't agree, or there are fewer than two pairs.</exception>
    public static SimilarityScores Evaluate(ReadOnlySpan<float> embeddings1, ReadOnlySpan<float> embeddings2, int dimension, ReadOnlySpan<double> gold)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        if (embeddings1.Length != embeddings2.Length || embeddings1.Length != (long)gold.Length * dimension)
        {
            throw new ArgumentException(
                $"{embeddings1.Length} and {embeddings2.Length} values are not {gold.Length} pairs of embeddings of {dimension}", nameof(embeddings2));
        }

        double[] cosine = new double[gold.Length];
        double[] dot = new double[gold.Length];
        double[] euclidean = new double[gold.Length];
        double[] manhattan = new double[gold.Length];
        for (int i = 0; i < gold.Length; i++)
        {
            ReadOnlySpan<float> a = embeddings1.Slice(i * dimension, dimension);
            ReadOnlySpan<float> b = embeddings2.Slice(i * dimension, dimension);
            double product = 0, squaresA = 0, squaresB = 0, squaredDistance = 0, distance = 0;
            for (int j = 0; j < dimension; j++)
            {
                double u = a[j], v = b[j], difference = u - v;
                product += u * v;
                squaresA += u * u;
                squaresB += v * v;
                squaredDistance += difference * difference;
                distance += Math.Abs(difference);
            }

            cosine[i] = product / (Math.Max(Math.Sqrt(squaresA), SmallestNorm) * Math.Max(Math.Sqrt(squaresB), SmallestNorm));
            dot[i] = product;
            euclidean[i] = -Math.Sqrt(squaredDistance);
            manhattan[i] = -distance;
        }

        return new SimilarityScores(Correlate(gold, cosine), Correlate(gold, dot), Correlate(gold, euclidean), Correlate(gold, manhattan));
    }

    private static Correlations Correlate(ReadOnlySpan<double> gold, ReadOnlySpan<double> similarities) =>
        new(Correlation.Pearson(gold, similarities), Correlation.Spearman(gold, similarities));
}
