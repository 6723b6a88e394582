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

    [TestCaseSource(nameof(RunsWithASampler))]
    public void TheTrainersBatchesAreTheRecordedOnes(string name)
    {
        using JsonDocument run = Run(name);
        string[][] columns = [.. run.RootElement.GetProperty("columns").EnumerateObject().Select(column => column.Value.EnumerateArray().Select(value => value.ToString()).ToArray())];
        int batchSize = run.RootElement.GetProperty("batch_size").GetInt32();
        int seed = run.RootElement.GetProperty("seed").GetInt32();
        IBatchSampler sampler = run.RootElement.GetProperty("sampler").GetString() switch
        {
            "no_duplicates" => new TruncatedSampler(new NoDuplicatesSampler(columns, batchSize, seed, dropLast: false)),
            "batch_sampler" => new ShuffledSampler(columns[0].Length, batchSize, seed, dropLast: false),
            string other => throw new AssertionException($"no sampler {other}"),
            null => throw new AssertionException("no sampler"),
        };

        Assert.That(EpochsOf(sampler, run.RootElement), Is.EqualTo(Batches(run.RootElement.GetProperty("batches"))));
    }

    [TestCaseSource(nameof(RunsInOrder))]
    public void SequentialBatchesAreTheArticles(string name)
    {
        using JsonDocument run = Run(name);
        int rows = run.RootElement.GetProperty("rows").GetArrayLength();
        SequentialSampler sampler = new(rows, run.RootElement.GetProperty("batch_size").GetInt32(), dropLast: false);

        Assert.That(sampler.Epoch(0).ToArray(), Is.EqualTo(Batches(run.RootElement.GetProperty("batches"))));
    }

    private static IEnumerable<string> RunsWithASampler() => Runs(static run => run.TryGetProperty("sampler", out _));

    private static IEnumerable<string> RunsInOrder() => Runs(static run => run.TryGetProperty("mode", out JsonElement mode) && mode.ValueEquals("article"));

    private static string[] Runs(Func<JsonElement, bool> chosen) =>
    [
        .. from file in Directory.EnumerateFiles(Fixtures.Path("training"), "*.json").Order()
           let name = Path.GetFileName(file)
           let run = Run(name).RootElement
           where run.ValueKind == JsonValueKind.Object && chosen(run)
           select name,
    ];

    private static JsonDocument Run(string name) => JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", name)));

    private static int[][] EpochsOf(IBatchSampler sampler, JsonElement run) =>
        [.. Enumerable.Range(0, run.GetProperty("epochs").GetInt32()).SelectMany(sampler.Epoch)];

    private static JsonDocument Samplers() => JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", "samplers.json")));

    private static string[][] Columns(JsonElement rows) =>
        [.. Enumerable.Range(0, rows[0].GetArrayLength()).Select(column => rows.EnumerateArray().Select(row => row[column].GetString()!).ToArray())];

    private static int[] Integers(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetInt32())];

    private static int[][] Batches(JsonElement batches) => [.. batches.EnumerateArray().Select(Integers)];
}
