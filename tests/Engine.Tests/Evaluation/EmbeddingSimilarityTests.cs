using MnrEngine.Evaluation;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Evaluation;

public sealed class EmbeddingSimilarityTests
{
    private static readonly SimilarityScores Example = new(new(0.5, 0.25), new(0.125, 1), new(-0.5, 0.75), new(0.00001, -1));

    [Test]
    public void EachFunctionIsCorrelatedWithTheGoldScores()
    {
        // Pairs (3, 4)-(3, 4), (1, 0)-(0, 2), (2, 0)-(-1, 0): cosine 1, 0, -1; dot 25, 0, -2; distances 0, sqrt 5, 3; 0, 3, 3.
        float[] first = [3, 4, 1, 0, 2, 0];
        float[] second = [3, 4, 0, 2, -1, 0];
        double[] gold = [1, 0.2, 0.5];
        SimilarityScores scores = EmbeddingSimilarity.Evaluate(first, second, dimension: 2, gold);

        AssertCorrelates(scores.Cosine, gold, [1, 0, -1]);
        AssertCorrelates(scores.Dot, gold, [25, 0, -2]);
        AssertCorrelates(scores.Euclidean, gold, [0, -Math.Sqrt(5), -3]);
        AssertCorrelates(scores.Manhattan, gold, [0, -3, -3]);
    }

    [Test]
    public void CosineDoesNotDependOnLengths()
    {
        (float[] first, float[] second, double[] gold) = RandomPairs(40, 8);
        Correlations before = EmbeddingSimilarity.Evaluate(first, second, 8, gold).Cosine;
        for (int i = 0; i < first.Length; i++)
        {
            first[i] *= 1 << (i / 8 % 7);
        }

        Assert.That(EmbeddingSimilarity.Evaluate(first, second, 8, gold).Cosine, Is.EqualTo(before));
    }

    [Test]
    public void OnUnitVectorsAllButManhattanRankAlike()
    {
        (float[] first, float[] second, double[] gold) = RandomPairs(60, 16);
        Normalise(first, 16);
        Normalise(second, 16);
        SimilarityScores scores = EmbeddingSimilarity.Evaluate(first, second, 16, gold);
        Assert.That(scores.Dot.Spearman, Is.EqualTo(scores.Cosine.Spearman).Within(1e-12));
        Assert.That(scores.Euclidean.Spearman, Is.EqualTo(scores.Cosine.Spearman).Within(1e-12));
    }

    [Test]
    public void AZeroVectorHasCosineZero()
    {
        float[] first = [0, 0, 1, 0, 1, 1];
        float[] second = [1, 2, 1, 0, -1, 0];
        AssertCorrelates(EmbeddingSimilarity.Evaluate(first, second, 2, [1, 2, 3]).Cosine, [1, 2, 3], [0, 1, -Math.Sqrt(0.5)]);
    }

    [Test]
    public void SizesThatDoNotAgreeAreRefused()
    {
        Assert.That(() => EmbeddingSimilarity.Evaluate(new float[4], new float[6], 2, [1, 2]), Throws.ArgumentException);
        Assert.That(() => EmbeddingSimilarity.Evaluate(new float[6], new float[6], 2, [1, 2]), Throws.ArgumentException);
    }

    [Test]
    public void MaximaAreOverAllFunctions()
    {
        Assert.That(Example.PearsonMax, Is.EqualTo(0.5));
        Assert.That(Example.SpearmanMax, Is.EqualTo(1));
    }

    [Test]
    public void MetricsHaveSentenceTransformersNames()
    {
        Assert.That(Example.Metrics("sts-dev", SimilarityScores.AllFunctions).Select(metric => metric.Key), Is.EqualTo(
        [
            "sts-dev_pearson_cosine", "sts-dev_spearman_cosine", "sts-dev_pearson_dot", "sts-dev_spearman_dot", "sts-dev_pearson_euclidean",
            "sts-dev_spearman_euclidean", "sts-dev_pearson_manhattan", "sts-dev_spearman_manhattan", "sts-dev_pearson_max", "sts-dev_spearman_max",
        ]));
        Assert.That(Example.Metrics("", [SimilarityFunction.Cosine]), Is.EqualTo(
            new KeyValuePair<string, double>[] { new("pearson_cosine", 0.5), new("spearman_cosine", 0.25) }));
        Assert.That(Example.Metrics("", [SimilarityFunction.Cosine, SimilarityFunction.Euclidean])[^1].Value, Is.EqualTo(0.75), "the maximum of those reported");
    }

    private static void AssertCorrelates(Correlations found, double[] gold, double[] similarities)
    {
        Assert.That(found.Pearson, Is.EqualTo(Correlation.Pearson(gold, similarities)).Within(1e-14));
        Assert.That(found.Spearman, Is.EqualTo(Correlation.Spearman(gold, similarities)).Within(1e-14));
    }

    private static (float[] First, float[] Second, double[] Gold) RandomPairs(int pairs, int dimension)
    {
        Random random = new(7);
        float[] first = [.. Enumerable.Range(0, pairs * dimension).Select(_ => random.NextSingle() - 0.5f)];
        float[] second = [.. first.Select(value => value + random.NextSingle() - 0.5f)];
        return (first, second, [.. Enumerable.Range(0, pairs).Select(_ => random.NextDouble())]);
    }

    private static void Normalise(float[] vectors, int dimension)
    {
        for (int start = 0; start < vectors.Length; start += dimension)
        {
            Span<float> vector = vectors.AsSpan(start, dimension);
            float squares = 0;
            foreach (float value in vector)
            {
                squares += value * value;
            }

            foreach (ref float value in vector)
            {
                value /= MathF.Sqrt(squares);
            }
        }
    }
}
