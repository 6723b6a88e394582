using MnrEngine.Data.Sampling;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data.Sampling;

public sealed class LegacyNoDuplicatesSamplerTests
{
    // Texts that conflict only without case and blanks, one of the blanks known to Python alone.
    private static readonly string[][] Columns =
    [
        ["a", "b", "A", "e", "g", "\u001ch", "H", "k", "é", "m", "o", "q"],
        ["B ", "c", "d", "f", "g", "i", "j", "É", "l", "n", "p", "\u3000a"],
    ];

    // What the loader's algorithm, run by Python 3.11 after random.seed(42), gave for batches of three.
    private static readonly int[][][] Epochs =
    [
        [[7, 5, 2], [8, 9, 6], [11, 3, 4], [0, 10, 6]],
        [[3, 2, 1], [11, 9, 4], [8, 5, 10], [7, 10, 11]],
        [[2, 7, 3], [9, 6, 1], [5, 4, 0], [0, 6, 7]],
    ];

    [Test]
    public void BatchesAreThoseOfTheOldLoader()
    {
        LegacyNoDuplicatesSampler sampler = new(Columns, 3, seed: 42);
        Assert.That(sampler.Length, Is.EqualTo(4));
        for (int epoch = 0; epoch < Epochs.Length; epoch++)
        {
            Assert.That(sampler.Epoch(epoch).ToArray(), Is.EqualTo(Epochs[epoch]), $"epoch {epoch}");
        }
    }

    [Test]
    public void AnEpochIsTheSameWhateverWasEnumeratedBefore()
    {
        LegacyNoDuplicatesSampler sampler = new(Columns, 3, seed: 42);
        Assert.That(sampler.Epoch(2).ToArray(), Is.EqualTo(Epochs[2]));
        Assert.That(sampler.Epoch(0).ToArray(), Is.EqualTo(Epochs[0]));
        Assert.That(sampler.Epoch(1).Take(2).ToArray(), Is.EqualTo(Epochs[1].Take(2)), "given up halfway");
        Assert.That(sampler.Epoch(1).ToArray(), Is.EqualTo(Epochs[1]));
    }

    [Test]
    public void TwoEnumerationsDoNotDisturbEachOther()
    {
        LegacyNoDuplicatesSampler sampler = new(Columns, 3, seed: 42);
        Assert.That(sampler.Epoch(1).Zip(sampler.Epoch(1)), Has.All.Matches<(int[] First, int[] Second)>(pair => pair.First.SequenceEqual(pair.Second)));
    }

    [Test]
    public void ABatchThatCanNeverBeFilledIsAnError()
    {
        LegacyNoDuplicatesSampler sampler = new([["a", "a", "a", "a"], ["b", "c", "d", "e"]], 2, seed: 0);
        Assert.That(
            () => sampler.Epoch(0).ToArray(),
            Throws.TypeOf<InputException>().With.Message.EqualTo(
                "a batch of 2 rows without shared texts can't be filled: with 1 in it, every other row shares a text with one of them"));
    }
}
