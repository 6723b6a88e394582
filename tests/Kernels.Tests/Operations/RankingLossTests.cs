using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The ranking loss against the reference and its finite differences, in every combination of its options.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class RankingLossTests(KernelTarget target)
{
    private const RankingDirections Documents = RankingDirections.QueryToDocument;
    private const RankingDirections Crossing = Documents | RankingDirections.DocumentToQuery;

    private Device _device = null!;
    private Random _random = null!;

    [SetUp]
    public void SetUp()
    {
        _device = new Device(target);
        _random = new Random(15);
    }

    [TearDown]
    public void TearDown() => _device.Dispose();

    [Test]
    public void EverySetOfDirections(
        [Range(0, 7)] int others, [Values(1, 6, 17)] int queries, [Values(2, 4)] int columns, [Values] Similarity similarity)
    {
        RankingDirections directions = Documents | (RankingDirections)(others << 1);
        Compare(queries, columns, new RankingLossOptions(similarity == Similarity.Cosine ? 20 : 0.7f, similarity, directions));
    }

    [Test]
    public void EachDirectionMayHaveItsOwnSoftmax([Values(Documents, Crossing)] RankingDirections directions, [Values(1, 9)] int queries, [Values(2, 3)] int columns) =>
        Compare(queries, columns, new RankingLossOptions(Directions: directions, Partition: RankingPartition.PerDirection));

    [Test]
    public void Hardness([Values] RankingHardness hardness, [Values(1, 9)] int queries, [Values(2, 4)] int columns, [Values(Documents, Crossing)] RankingDirections directions) =>
        Compare(queries, columns, new RankingLossOptions(Directions: directions, Hardness: hardness, HardnessStrength: 5));

    [Test]
    public void AWeightAppliesToLossAndGradient()
    {
        Array2 embeddings = Array2.Random(12, 10, _random);
        Tensor input = _device.Float(embeddings);
        Tensor loss = _device.Output(1, 1);
        Tensor gradient = _device.Output(12, 10);
        Tensor weightedLoss = _device.Output(1, 1);
        Tensor weightedGradient = _device.Output(12, 10);

        _device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 1f, loss, gradient, accumulate: false);
        _device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 0.25f, weightedLoss, weightedGradient, accumulate: false);

        Assert.That(_device.Read(weightedLoss).Values[0], Is.EqualTo(0.25 * _device.Read(loss).Values[0]).Within(1e-6));
        Array2 expected = _device.Read(gradient);
        Close.Check(_device.Read(weightedGradient), new Array2(12, 10, [.. expected.Values.Select(value => 0.25 * value)]), expected, "gradient");
    }

    [Test]
    public void TheLossIsAddedWhenAskedAndTheGradientNever()
    {
        Tensor input = _device.Float(Array2.Random(12, 10, _random));
        Tensor loss = _device.Output(1, 1);
        Tensor gradient = _device.Output(12, 10);
        _device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 1f, loss, gradient, accumulate: false);
        double once = _device.Read(loss).Values[0];
        Array2 gradientOnce = _device.Read(gradient);

        _device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 1f, loss, gradient, accumulate: true);

        Assert.That(_device.Read(loss).Values[0], Is.EqualTo(2 * once).Within(1e-6 * once));
        Assert.That(_device.Read(gradient).Values, Is.EqualTo(gradientOnce.Values));
    }

    [Test]
    public void TheLossMayBeWantedAlone()
    {
        Tensor input = _device.Float(Array2.Random(12, 10, _random));
        Tensor loss = _device.Output(1, 1);
        Tensor alone = _device.Output(1, 1);
        _device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 1f, loss, _device.Output(12, 10), accumulate: false);
        _device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 1f, alone, Tensor.None, accumulate: false);
        Assert.That(_device.Read(alone).Values, Is.EqualTo(_device.Read(loss).Values));
    }

    [Test]
    public void APerfectBatchHasATinyLossToFullPrecision()
    {
        // Two queries that equal their positives and are orthogonal to each other: loss = log(1 + e^-20).
        Tensor input = _device.Float([1, 0, 0, 1, 1, 0, 0, 1], 4, 2);
        Tensor loss = _device.Output(1, 1);
        _device.Kernels.RankingLoss(input, 2, new RankingLossOptions(), 1f, loss, Tensor.None, accumulate: false);
        double expected = Math.Exp(-20) - Math.Exp(-40) / 2;
        Assert.That(_device.Read(loss).Values[0], Is.EqualTo(expected).Within(1e-6 * expected));
    }

    private void Compare(int queries, int columns, in RankingLossOptions options)
    {
        const int Width = 21;
        Array2 embeddings = Array2.Random(queries * columns, Width, _random);
        Array2 penalizing = embeddings.Copy();
        RankingLossOptions chosen = options;
        Tensor loss = _device.Output(1, 1);
        Tensor gradient = _device.Output(embeddings.Rows, Width);

        _device.Kernels.RankingLoss(_device.Float(embeddings), queries, options, 1f, loss, gradient, accumulate: false);

        double Objective() => Reference.RankingLoss(embeddings, queries, chosen, penalizing);
        double expected = Objective();
        Assert.That(_device.Read(loss).Values[0], Is.EqualTo(expected).Within(Close.Tolerance * Math.Max(1e-2, expected)));
        FiniteDifferences.Check(Objective, embeddings, _device.Read(gradient), Array2.Filled(1, 1, 1), "embeddings");
    }
}
