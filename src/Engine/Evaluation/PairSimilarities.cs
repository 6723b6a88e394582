namespace MnrEngine.Evaluation;

/// <summary>
/// How alike embeddings are. Computed in double precision and rounded to single, the precision of the embeddings, so that what is equal in exact arithmetic is
/// equal here: the text of a pair twice, say.
/// </summary>
internal static class PairSimilarities
{
    // torch.nn.functional.normalize divides by no less.
    private const double SmallestNorm = 1e-12;

    /// <summary>The similarity of each row of one matrix and the same row of another; distances are negative.</summary>
    /// <param name="first">Embeddings, row after row.</param>
    /// <param name="second">As many.</param>
    /// <param name="dimension">The length of an embedding.</param>
    /// <param name="function">How they are compared.</param>
    public static float[] OfRows(ReadOnlySpan<float> first, ReadOnlySpan<float> second, int dimension, SimilarityFunction function)
    {
        float[] similarities = new float[first.Length / dimension];
        for (int row = 0; row < similarities.Length; row++)
        {
            similarities[row] = (float)Of(first.Slice(row * dimension, dimension), second.Slice(row * dimension, dimension), function);
        }

        return similarities;
    }

    private static double Of(ReadOnlySpan<float> u, ReadOnlySpan<float> v, SimilarityFunction function)
    {
        double product = 0, squaresU = 0, squaresV = 0, squaredDistance = 0, distance = 0;
        for (int i = 0; i < u.Length; i++)
        {
            double a = u[i], b = v[i], difference = a - b;
            product += a * b;
            squaresU += a * a;
            squaresV += b * b;
            squaredDistance += difference * difference;
            distance += Math.Abs(difference);
        }

        return function switch
        {
            SimilarityFunction.Cosine => product / (Math.Max(Math.Sqrt(squaresU), SmallestNorm) * Math.Max(Math.Sqrt(squaresV), SmallestNorm)),
            SimilarityFunction.Dot => product,
            SimilarityFunction.Euclidean => -Math.Sqrt(squaredDistance),
            SimilarityFunction.Manhattan => -distance,
            _ => throw new ArgumentOutOfRangeException(nameof(function), function, null),
        };
    }
}
