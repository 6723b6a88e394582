using MnrEngine.Data.Sampling;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data.Sampling;

/// <summary>Shuffles equal those of CPython 3.11: <c>r = random.Random(seed); r.shuffle(list(range(12)))</c>, and the same list again.</summary>
public sealed class PythonRandomTests
{
    [TestCase(0, new[] { 1, 9, 8, 5, 10, 2, 3, 7, 4, 0, 11, 6 }, new[] { 2, 1, 5, 7, 3, 6, 0, 9, 11, 10, 8, 4 })]
    [TestCase(1, new[] { 7, 11, 0, 8, 5, 6, 3, 10, 4, 1, 9, 2 }, new[] { 4, 2, 5, 11, 0, 8, 6, 9, 1, 3, 7, 10 })]
    [TestCase(1_099_511_627_783, new[] { 0, 5, 2, 3, 6, 1, 8, 4, 7, 11, 10, 9 }, new[] { 7, 2, 0, 5, 6, 11, 9, 3, 1, 10, 4, 8 })]
    [TestCase(-5, new[] { 10, 2, 11, 7, 1, 3, 6, 0, 8, 5, 4, 9 }, new[] { 8, 11, 5, 9, 10, 4, 1, 2, 6, 7, 0, 3 })]
    public void ShuffleIsPythons(long seed, int[] once, int[] twice)
    {
        PythonRandom random = new(seed);
        int[] items = [.. Enumerable.Range(0, 12)];
        random.Shuffle<int>(items);
        Assert.That(items, Is.EqualTo(once));
        random.Shuffle<int>(items);
        Assert.That(items, Is.EqualTo(twice));
    }

    [TestCase(42, 30, new[] { 20, 3, 0 })]
    [TestCase(42, 10, new[] { 1, 0, 4, 9, 6, 5, 8 })]
    [TestCase(42, 200, new[] { 163, 28, 6, 189, 70, 62, 57, 35 })]
    [TestCase(7, 30, new[] { 10, 4, 12 })]
    [TestCase(7, 200, new[] { 82, 38, 101, 166, 12, 18, 137, 24 })]
    public void SampleIsPythons(long seed, int length, int[] drawn) => Assert.That(new PythonRandom(seed).Sample(length, drawn.Length), Is.EqualTo(drawn));

    [Test]
    public void SamplesFollowOneAnother()
    {
        PythonRandom random = new(42);
        Assert.That((int[][])[random.Sample(4, 2), random.Sample(4, 2), random.Sample(4, 2)], Is.EqualTo((int[][])[[0, 3], [2, 0], [1, 0]]));
    }

    [Test]
    public void ALongShuffleUsesUpSeveralStates()
    {
        int[] items = [.. Enumerable.Range(0, 5_000)];
        new PythonRandom(42).Shuffle<int>(items);
        Assert.That(items[..5], Is.EqualTo([1383, 1881, 4901, 1524, 4654]));
        Assert.That(items[^3..], Is.EqualTo([2253, 204, 912]));
        Assert.That(items.Select((item, i) => (long)item * i).Sum(), Is.EqualTo(31_286_367_899));
    }
}
