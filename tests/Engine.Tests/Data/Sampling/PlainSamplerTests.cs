using MnrEngine.Data.Sampling;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data.Sampling;

public sealed class PlainSamplerTests
{
    [Test]
    public void RowsComeInOrderTheSameEveryEpoch([Values(0, 1)] int epoch)
    {
        Assert.That(new SequentialSampler(5, 2, dropLast: false).Epoch(epoch).ToArray(), Is.EqualTo(new int[][] { [0, 1], [2, 3], [4] }));
        Assert.That(new SequentialSampler(5, 2, dropLast: true).Epoch(epoch).ToArray(), Is.EqualTo(new int[][] { [0, 1], [2, 3] }));
    }

    [Test]
    public void AShuffledEpochHasEveryRowOnceInAnOrderOfItsOwn()
    {
        ShuffledSampler sampler = new(100, 8, seed: 3, dropLast: false);
        int[] first = [.. sampler.Epoch(0).SelectMany(batch => batch)];
        int[] second = [.. sampler.Epoch(1).SelectMany(batch => batch)];
        Assert.That(first, Is.EquivalentTo(Enumerable.Range(0, 100)));
        Assert.That(second, Is.EquivalentTo(Enumerable.Range(0, 100)).And.Not.EqualTo(first));
        Assert.That(sampler.Epoch(0).SelectMany(batch => batch), Is.EqualTo(first));
    }

    [Test]
    public void AShortLastBatchOfAShuffledEpochIsDroppedWhenAsked()
    {
        Assert.That(new ShuffledSampler(10, 4, seed: 3, dropLast: true).Epoch(0).Select(batch => batch.Length), Is.EqualTo([4, 4]));
        Assert.That(new ShuffledSampler(10, 4, seed: 3, dropLast: false).Epoch(0).Select(batch => batch.Length), Is.EqualTo([4, 4, 2]));
    }

    [Test]
    public void LengthIsTheNumberOfBatches([Values(7, 8, 9)] int rows, [Values(1, 3, 7)] int batchSize, [Values] bool dropLast)
    {
        IBatchSampler[] samplers = [new SequentialSampler(rows, batchSize, dropLast), new ShuffledSampler(rows, batchSize, 0, dropLast)];
        Assert.That(samplers, Has.All.Matches<IBatchSampler>(sampler => sampler!.Epoch(0).Count() == sampler!.Length));
    }

    [Test]
    public void ATruncatedEpochEndsAtItsLength()
    {
        string[][] columns = [["a", "a", "a", "b"], ["c", "d", "e", "f"]];
        NoDuplicatesSampler surplus = new(columns, 2, seed: 0, dropLast: false);
        Assert.That(surplus.Epoch(0).Count(), Is.EqualTo(3));
        Assert.That(new TruncatedSampler(surplus).Epoch(0).ToArray(), Is.EqualTo(surplus.Epoch(0).Take(2)));
    }

    [TestCase(0, "the batch size is 0, but a batch has at least 1 row")]
    [TestCase(-3, "the batch size is -3, but a batch has at least 1 row")]
    [TestCase(3, "the batch size is 3, but the data set has only 2 rows")]
    public void ABatchSizeThatMakesNoBatchIsRefusedByEverySampler(int batchSize, string message)
    {
        string[][] columns = [["a", "b"], ["c", "d"]];
        Action[] makers =
        [
            () => _ = new SequentialSampler(2, batchSize, dropLast: false),
            () => _ = new ShuffledSampler(2, batchSize, 0, dropLast: false),
            () => _ = new NoDuplicatesSampler(columns, batchSize, 0, dropLast: false),
            () => _ = new LegacyNoDuplicatesSampler(columns, batchSize, 0),
        ];
        foreach (Action maker in makers)
        {
            Assert.That(maker, Throws.TypeOf<InputException>().With.Message.EqualTo(message));
        }
    }

    [Test]
    public void TorchUsesOnlyTheLowerHalfOfASeed() =>
        Assert.That(new TorchGenerator(42 + (1L << 32)).RandPerm(10), Is.EqualTo(new TorchGenerator(42).RandPerm(10)));

    [Test]
    public void SeedingAgainBeginsAnew()
    {
        TorchGenerator generator = new(1);
        int[] first = generator.RandPerm(50);
        Assert.That(generator.RandPerm(50), Is.Not.EqualTo(first));
        generator.Seed(1);
        Assert.That(generator.RandPerm(50), Is.EqualTo(first));
    }
}
