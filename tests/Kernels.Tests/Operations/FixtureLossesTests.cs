using System.Text.Json;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The ranking loss against sentence-transformers in double precision.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class FixtureLossesTests(KernelTarget target)
{
    [TestCaseSource(nameof(RankingCases))]
    public void RankingLossAndItsGradient(string name)
    {
        using JsonDocument json = FixtureFile.Json("losses.json");
        JsonElement settings = json.RootElement.EnumerateArray().Single(entry => entry.GetProperty("name").GetString() == name);
        using FixtureFile file = FixtureFile.Losses();
        using Device device = new(target);
        Array2[] columns = [.. Enumerable.Range(0, settings.GetProperty("columns").GetInt32()).Select(i => file[$"{name}.{i}"])];
        int queries = columns[0].Rows;
        Array2 embeddings = new(queries * columns.Length, columns[0].Columns, [.. columns.SelectMany(column => column.Values)]);
        Tensor input = device.Float(embeddings);
        Tensor loss = device.Output(1, 1);
        Tensor gradient = device.Output(embeddings.Rows, embeddings.Columns);

        device.Kernels.RankingLoss(input, queries, Options(settings), 1f, loss, gradient, accumulate: false);

        double expected = settings.GetProperty("loss").GetDouble();
        Assert.That(device.Read(loss).Values[0], Is.EqualTo(expected).Within(Close.Tolerance * Math.Max(1e-2, Math.Abs(expected))));
        Array2 all = device.Read(gradient);
        Assert.That(all.Values, Has.All.Matches<double>(double.IsFinite));

        // The tolerance is that of the whole gradient; a column of it whose gradient the fixture leaves out is not compared.
        int[] compared = [.. Enumerable.Range(0, columns.Length).Where(i => file.Has($"{name}.grad.{i}"))];
        Array2 actual = new(compared.Length * queries, all.Columns, [.. compared.SelectMany(i => all.RowsOf(i * queries, queries).Values)]);
        Array2 reference = new(actual.Rows, actual.Columns, [.. compared.SelectMany(i => file[$"{name}.grad.{i}"].Values)]);
        Close.Check(actual, reference, Array2.Filled(1, 1, 1), "gradient");
    }

    private static IEnumerable<string> RankingCases()
    {
        using JsonDocument json = FixtureFile.Json("losses.json");
        return [.. json.RootElement.EnumerateArray().Where(entry => entry.GetProperty("kind").GetString() == "mnr").Select(entry => entry.GetProperty("name").GetString()!)];
    }

    private static RankingLossOptions Options(JsonElement settings)
    {
        RankingDirections directions = default;
        foreach (JsonElement direction in settings.TryGetProperty("directions", out JsonElement named) ? named.EnumerateArray() : [])
        {
            directions |= direction.GetString() switch
            {
                "query_to_doc" => RankingDirections.QueryToDocument,
                "query_to_query" => RankingDirections.QueryToQuery,
                "doc_to_query" => RankingDirections.DocumentToQuery,
                _ => RankingDirections.DocumentToDocument,
            };
        }

        return new RankingLossOptions(
            settings.GetProperty("scale").GetSingle(),
            settings.GetProperty("similarity").GetString() == "dot" ? Similarity.Dot : Similarity.Cosine,
            directions == default ? RankingDirections.QueryToDocument : directions,
            settings.TryGetProperty("partition_mode", out JsonElement partition) && partition.GetString() == "per_direction" ? RankingPartition.PerDirection : RankingPartition.Joint,
            !settings.TryGetProperty("hardness_mode", out JsonElement mode) ? RankingHardness.None : mode.GetString() switch
            {
                "in_batch_negatives" => RankingHardness.InBatchNegatives,
                "hard_negatives" => RankingHardness.HardNegatives,
                _ => RankingHardness.AllNegatives,
            },
            settings.TryGetProperty("hardness_strength", out JsonElement strength) ? strength.GetSingle() : 0f);
    }
}
