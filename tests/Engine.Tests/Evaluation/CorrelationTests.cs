using MnrEngine.Evaluation;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Evaluation;

public sealed class CorrelationTests
{
    [Test]
    public void PearsonOfValuesWorkedOutByHand()
    {
        // Centred: (-1, 0, 1) and (-2, 1, 1); product 3, lengths sqrt 2 and sqrt 6.
        Assert.That(Correlation.Pearson([1, 2, 3], [1, 4, 4]), Is.EqualTo(3 / Math.Sqrt(12)).Within(1e-15));
    }

    [Test]
    public void SpearmanOfValuesWorkedOutByHand()
    {
        // Ranks (1, 2, 3, 4, 5) and (2, 1, 4, 3, 5): squared differences add up to 4, rho = 1 - 6 * 4 / (5 * 24).
        Assert.That(Correlation.Spearman([1, 2, 3, 4, 5], [20, 10, 400, 300, 1e9]), Is.EqualTo(0.8).Within(1e-15));
    }

    [Test]
    public void TiesShareTheAverageOfTheirRanks()
    {
        Assert.That(Correlation.Ranks([30, 10, 20, 20, 10, 10]), Is.EqualTo([6, 2, 4.5, 4.5, 2, 2]));
    }

    [Test]
    public void NegativeAndPositiveZeroAreTied() => Assert.That(Correlation.Ranks([0.0, -0.0]), Is.EqualTo([1.5, 1.5]));

    [Test]
    public void PearsonAgreesWithItsDefinition()
    {
        (double[] x, double[] y) = Correlated(500, seed: 1);
        double meanX = x.Average(), meanY = y.Average();
        double covariance = x.Zip(y, (a, b) => (a - meanX) * (b - meanY)).Sum();
        double expected = covariance / Math.Sqrt(x.Sum(a => (a - meanX) * (a - meanX)) * y.Sum(b => (b - meanY) * (b - meanY)));
        Assert.That(Correlation.Pearson(x, y), Is.EqualTo(expected).Within(1e-13));
    }

    [Test]
    public void RanksAgreeWithCountingSmallerAndEqualValues()
    {
        double[] values = [.. Correlated(300, seed: 2).X.Select(value => Math.Round(value * 5))];
        double[] counted = [.. values.Select(value => values.Count(other => other < value) + ((values.Count(other => other == value) + 1) / 2.0))];
        Assert.That(Correlation.Ranks(values), Is.EqualTo(counted));
    }

    [Test]
    public void PearsonDoesNotChangeUnderShiftAndScale()
    {
        (double[] x, double[] y) = Correlated(200, seed: 3);
        double r = Correlation.Pearson(x, y);
        Assert.That(Correlation.Pearson([.. x.Select(value => (3 * value) + 7)], y), Is.EqualTo(r).Within(1e-13));
        Assert.That(Correlation.Pearson(x, [.. y.Select(value => -value)]), Is.EqualTo(-r).Within(1e-13));
        Assert.That(Correlation.Pearson(y, x), Is.EqualTo(r).Within(1e-15));
    }

    [Test]
    public void SpearmanDoesNotChangeUnderAMonotoneFunction()
    {
        (double[] x, double[] y) = Correlated(200, seed: 4);
        Assert.That(Correlation.Spearman([.. x.Select(Math.Exp)], y), Is.EqualTo(Correlation.Spearman(x, y)));
    }

    [TestCase(1e-170)]
    [TestCase(1e170)]
    public void PearsonSurvivesValuesWhoseSquaresDoNot(double scale)
    {
        (double[] x, double[] y) = Correlated(50, seed: 5);
        Assert.That(Correlation.Pearson([.. x.Select(value => value * scale)], y), Is.EqualTo(Correlation.Pearson(x, y)).Within(1e-12));
    }

    [Test]
    public void AConstantHasNoCorrelation()
    {
        Assert.That(Correlation.Pearson([1, 1, 1], [1, 2, 3]), Is.NaN);
        Assert.That(Correlation.Spearman([1, 2, 3], [0.1, 0.1, 0.1]), Is.NaN);
    }

    [Test]
    public void NaNGivesNaN()
    {
        Assert.That(Correlation.Pearson([1, double.NaN, 3], [1, 2, 3]), Is.NaN);
        Assert.That(Correlation.Spearman([1, 2, 3], [1, double.NaN, 3]), Is.NaN);
    }

    [Test]
    public void FewerThanTwoValuesAndUnequalLengthsAreRefused()
    {
        Assert.That(() => Correlation.Pearson([1], [1]), Throws.ArgumentException);
        Assert.That(() => Correlation.Spearman([1, 2, 3], [1, 2]), Throws.ArgumentException);
    }

    private static (double[] X, double[] Y) Correlated(int count, int seed)
    {
        Random random = new(seed);
        double[] x = [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() - 0.3)];
        return (x, [.. x.Select(value => value + random.NextDouble())]);
    }
}
