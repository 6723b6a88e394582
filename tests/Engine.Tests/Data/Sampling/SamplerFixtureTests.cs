using System.Text.Json;
using MnrEngine.Data.Sampling;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data.Sampling;

/// <summary>Batches and permutations equal those that torch and sentence-transformers gave.</summary>
public sealed class SamplerFixtureTests
{
    [Test]
    public void RandPermIsTorchs()
    {
        using JsonDocument samplers = Samplers();
        foreach (JsonElement permutation in samplers.RootElement.GetProperty("torch_randperm").EnumerateArray())
        {
            int length = permutation.GetProperty("n").GetInt32();
            int[] ours = new TorchGenerator(permutation.GetProperty("seed").GetInt64()).RandPerm(length);
            Assert.That(ours, Is.EqualTo(Integers(permutation.GetProperty("randperm"))), $"n = {length}");
        }
    }

    [Test]
    public void NoDuplicatesBatchesAreSentenceTransformers()
    {
        using JsonDocument samplers = Samplers();
        JsonElement rowSets = samplers.RootElement.GetProperty("rows");
        foreach (JsonElement order in samplers.RootElement.GetProperty("orders").EnumerateArray())
        {
            Assert.That(order.GetProperty("sampler").GetString(), Is.EqualTo("no_duplicates"));
            string rows = order.GetProperty("rows").GetString()!;
            int epoch = order.GetProperty("epoch").GetInt32();
            bool dropLast = order.GetProperty("drop_last").GetBoolean();
            NoDuplicatesSampler sampler = new(
                Columns(rowSets.GetProperty(rows)), order.GetProperty("batch_size").GetInt32(), order.GetProperty("seed").GetInt64(), dropLast);

            string what = $"{rows}, epoch {epoch}, drop_last {dropLast}";
            Assert.That(sampler.Length, Is.EqualTo(order.GetProperty("length").GetInt32()), what);
            Assert.That(sampler.Epoch(epoch).ToArray(), Is.EqualTo(Batches(order.GetProperty("batches"))), what);
        }
    }

    [Test]
    public void TheTrainerEndsAnEpochOfNoDuplicatesAtItsLength()
    {
        using JsonDocument run = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", "trainer-tiny-bert-no-duplicates.json")));
        JsonElement columns = run.RootElement.GetProperty("columns");
        string[][] texts = [.. columns.EnumerateObject().Select(column => column.Value.EnumerateArray().Select(text => text.GetString()!).ToArray())];
        NoDuplicatesSampler sampler = new(texts, run.RootElement.GetProperty("batch_size").GetInt32(), run.RootElement.GetProperty("seed").GetInt64(), dropLast: false);

        Assert.That(EpochsOf(new TruncatedSampler(sampler), run.RootElement), Is.EqualTo(Batches(run.RootElement.GetProperty("batches"))));
    }

    [TestCase("trainer-tiny-mpnet-triplets.json")]
    [TestCase("trainer-tiny-bert-softmax.json")]
    public void ShuffledBatchesAreTheTrainers(string name)
    {
        using JsonDocument run = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", name)));
        int rows = run.RootElement.GetProperty("columns").EnumerateObject().First().Value.GetArrayLength();
        ShuffledSampler sampler = new(rows, run.RootElement.GetProperty("batch_size").GetInt32(), run.RootElement.GetProperty("seed").GetInt64(), dropLast: false);

        Assert.That(EpochsOf(sampler, run.RootElement), Is.EqualTo(Batches(run.RootElement.GetProperty("batches"))));
    }

    [Test]
    public void SequentialBatchesAreTheArticles()
    {
        using JsonDocument run = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", "article-tiny-bert.json")));
        int rows = run.RootElement.GetProperty("rows").GetArrayLength();
        SequentialSampler sampler = new(rows, run.RootElement.GetProperty("batch_size").GetInt32(), dropLast: false);

        Assert.That(sampler.Epoch(0).ToArray(), Is.EqualTo(Batches(run.RootElement.GetProperty("batches"))));
    }

    private static int[][] EpochsOf(IBatchSampler sampler, JsonElement run) =>
        [.. Enumerable.Range(0, run.GetProperty("epochs").GetInt32()).SelectMany(sampler.Epoch)];

    private static JsonDocument Samplers() => JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", "samplers.json")));

    private static string[][] Columns(JsonElement rows) =>
        [.. Enumerable.Range(0, rows[0].GetArrayLength()).Select(column => rows.EnumerateArray().Select(row => row[column].GetString()!).ToArray())];

    private static int[] Integers(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetInt32())];

    private static int[][] Batches(JsonElement batches) => [.. batches.EnumerateArray().Select(Integers)];
}
