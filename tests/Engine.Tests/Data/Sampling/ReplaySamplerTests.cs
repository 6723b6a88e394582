using MnrEngine.Data.Sampling;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data.Sampling;

public sealed class ReplaySamplerTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [TestCase("[[3, 1], [0], [2, 2, 1]]")]
    [TestCase("""{"seed": 42, "rows": [["a", {"b": []}]], "batches": [[3, 1], [0], [2, 2, 1]], "steps": [1]}""")]
    [TestCase("\ufeff[[3,1],[0],[2,2,1]]\n")]
    public void BatchesAreGivenAsWrittenEveryEpoch(string json)
    {
        ReplaySampler sampler = ReplaySampler.Load(_folder.Write("batches.json", json), rowCount: 4);
        Assert.That(sampler.Length, Is.EqualTo(3));
        Assert.That(sampler.BatchSize, Is.EqualTo(3));
        Assert.That(sampler.Epoch(0).ToArray(), Is.EqualTo(new int[][] { [3, 1], [0], [2, 2, 1] }));
        Assert.That(sampler.Epoch(1).ToArray(), Is.EqualTo(sampler.Epoch(0).ToArray()));
    }

    [Test]
    public void ARecordedRunIsAFileOfBatches()
    {
        ReplaySampler sampler = ReplaySampler.Load(Fixtures.Path("training", "fit-tiny-bert.json"), rowCount: int.MaxValue);
        Assert.That(sampler.Length, Is.GreaterThan(0));
    }

    [TestCase("[[0, 1], [4]]", "batch 1 in FILE, counted from 0, names row 4, but the rows of the data set are 0 to 3")]
    [TestCase("[[-1]]", "batch 0 in FILE, counted from 0, names row -1, but the rows of the data set are 0 to 3")]
    [TestCase("[[99999999999999999999]]", "batch 0 in FILE, counted from 0, holds something other than row numbers")]
    [TestCase("[[1.5]]", "batch 0 in FILE, counted from 0, holds something other than row numbers")]
    [TestCase("[[1], [\"2\"]]", "batch 1 in FILE, counted from 0, holds something other than row numbers")]
    [TestCase("[[1], []]", "batch 1 in FILE, counted from 0, is empty, but needs at least one row")]
    [TestCase("[1, 2]", "batch 0 in FILE, counted from 0, is not an array, but must be one of row numbers")]
    [TestCase("[]", "FILE holds no batches, but at least one is needed")]
    [TestCase("{\"rows\": [[1]]}", "FILE holds no batches: expected an array of arrays of row numbers, or an object with one under \"batches\"")]
    [TestCase("{\"batches\": 3}", "FILE holds no batches: expected an array of arrays of row numbers, or an object with one under \"batches\"")]
    [TestCase("12", "FILE holds no batches: expected an array of arrays of row numbers, or an object with one under \"batches\"")]
    [TestCase("[[1],\n [2", "FILE, line 2: the JSON is malformed at byte 4, but an array of batches was expected")]
    [TestCase("[[1]] more", "FILE, line 1: the JSON is malformed at byte 7, but an array of batches was expected")]
    [TestCase("", "FILE, line 1: the JSON is malformed at byte 1, but an array of batches was expected")]
    public void WhatIsWrongIsSaidInOneSentence(string json, string message)
    {
        string path = _folder.Write("batches.json", json);
        Assert.That(
            () => ReplaySampler.Load(path, rowCount: 4),
            Throws.TypeOf<InputException>().With.Message.EqualTo(message.Replace("FILE", path, StringComparison.Ordinal)));
    }

    [Test]
    public void AMissingFileIsSaidToBeMissing() =>
        Assert.That(
            () => ReplaySampler.Load(_folder.Path("none.json"), 4),
            Throws.TypeOf<InputException>().With.Message.StartsWith($"the file of batches {_folder.Path("none.json")} cannot be read: "));
}
