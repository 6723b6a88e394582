using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The ranking loss against the reference and its finite differences, in every combination of its options.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class RankingLossTests(KernelTarget target) : OperationTests(target, 15)
{
    private const RankingDirections Documents = RankingDirections.QueryToDocument;
    private const RankingDirections Crossing = Documents | RankingDirections.DocumentToQuery;

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
        Array2 embeddings = Array2.Random(12, 10, Random);
        Tensor input = Device.Float(embeddings);
        Tensor loss = Device.Output(1, 1);
        Tensor gradient = Device.Output(12, 10);
        Tensor weightedLoss = Device.Output(1, 1);
        Tensor weightedGradient = Device.Output(12, 10);

        Device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 1f, loss, gradient, accumulate: false);
        Device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 0.25f, weightedLoss, weightedGradient, accumulate: false);

        Assert.That(Device.Read(weightedLoss).Values[0], Is.EqualTo(0.25 * Device.Read(loss).Values[0]).Within(1e-6));
        Array2 expected = Device.Read(gradient);
        Close.Check(Device.Read(weightedGradient), new Array2(12, 10, [.. expected.Values.Select(value => 0.25 * value)]), expected, "gradient");
    }

    [Test]
    public void TheLossIsAddedWhenAskedAndTheGradientNever()
    {
        Tensor input = Device.Float(Array2.Random(12, 10, Random));
        Tensor loss = Device.Output(1, 1);
        Tensor gradient = Device.Output(12, 10);
        Device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 1f, loss, gradient, accumulate: false);
        double once = Device.Read(loss).Values[0];
        Array2 gradientOnce = Device.Read(gradient);

        Device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 1f, loss, gradient, accumulate: true);

        Assert.That(Device.Read(loss).Values[0], Is.EqualTo(2 * once).Within(1e-6 * once));
        Assert.That(Device.Read(gradient).Values, Is.EqualTo(gradientOnce.Values));
    }

    [Test]
    public void TheLossMayBeWantedAlone()
    {
        Tensor input = Device.Float(Array2.Random(12, 10, Random));
        Tensor loss = Device.Output(1, 1);
        Tensor alone = Device.Output(1, 1);
        Device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 1f, loss, Device.Output(12, 10), accumulate: false);
        Device.Kernels.RankingLoss(input, 6, new RankingLossOptions(), 1f, alone, Tensor.None, accumulate: false);
        Assert.That(Device.Read(alone).Values, Is.EqualTo(Device.Read(loss).Values));
    }

    [Test]
    public void APerfectBatchHasATinyLossToFullPrecision()
    {
        // Two queries that equal their positives and are orthogonal to each other: loss = log(1 + e^-20).
        Tensor input = Device.Float([1, 0, 0, 1, 1, 0, 0, 1], 4, 2);
        Tensor loss = Device.Output(1, 1);
        Device.Kernels.RankingLoss(input, 2, new RankingLossOptions(), 1f, loss, Tensor.None, accumulate: false);
        double expected = Math.Exp(-20) - Math.Exp(-40) / 2;
        Assert.That(Device.Read(loss).Values[0], Is.EqualTo(expected).Within(1e-6 * expected));
    }

    private void Compare(int queries, int columns, in RankingLossOptions options)
    {
        (Array2 embeddings, Tensor loss, Tensor gradient) = SentencePasses.RankingLoss(Device, Random, queries, columns, width: 21, options);
        Array2 penalizing = embeddings.Copy();
        RankingLossOptions chosen = options;

        double Objective() => Reference.RankingLoss(embeddings, queries, chosen, penalizing);
        double expected = Objective();
        Assert.That(Device.Read(loss).Values[0], Is.EqualTo(expected).Within(Close.Tolerance * Math.Max(1e-2, expected)));
        FiniteDifferences.Check(Objective, embeddings, Device.Read(gradient), Array2.Filled(1, 1, 1), "embeddings");
    }
}
