using System.Text.Json;
using MnrEngine.Data;
using MnrEngine.Data.Preparation;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data.Preparation;

/// <summary>Triplets of labelled rows as sentence-transformers' training_nli_v2.py makes them.</summary>
public sealed class TripletTests
{
    private Prepared _prepared = null!;

    [SetUp]
    public void MakeFolder() => _prepared = new Prepared();

    [TearDown]
    public void DeleteFolder() => _prepared.Dispose();

    /// <summary>triplets.json is what Python gave (make_triplets.py beside it).</summary>
    [TestCase(42)]
    [TestCase(7)]
    public void TheyAreThoseThatPythonDraws(int seed)
    {
        TextDataset rows = TextDataset.Load(new DatasetSource(Fixtures.Own("data", "snli-style.parquet")) { LabelColumn = null });
        (string Premise, string Hypothesis, int Label)[] all = [.. AllRows()];
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllText(Fixtures.Own("data", "triplets.json")));
        string input = _prepared.Folder.Write("rows.jsonl", string.Join('\n', all.Select((row, i) =>
            JsonSerializer.Serialize(new { premise = $" {all[i % 200].Premise}\u00a0", hypothesis = $"{row.Hypothesis}\t", label = row.Label }))));

        PreparationReport report = Prepared.Run(new PreparationOptions { Inputs = [input], Output = _prepared.Output("out.jsonl"), Rows = PreparedRows.Triplets, Seed = seed });

        string[] triplets = [.. expected.RootElement.GetProperty($"{seed}").EnumerateArray().Select(t => string.Join('|', t.EnumerateArray().Select(static text => text.GetInt32()).Select(TextAt)))];
        Assert.That(_prepared.Rows("out.jsonl"), Is.EqualTo(triplets));
        Assert.That(report.Written, Is.EqualTo(2 * report.Anchors).And.EqualTo(triplets.Length));
        Assert.That(report.Sources[0].Kept, Is.EqualTo(1_047 + 1_013));
        Assert.That(rows.Count, Is.EqualTo(2_969));

        // The premise of row i is number 2 i, its hypothesis number 2 i + 1.
        string TextAt(int number) => (number % 2 == 0 ? all[number / 2 % 200].Premise : all[number / 2].Hypothesis).Trim();
    }

    [Test]
    public void InBothDirectionsWhatIsEntailedIsAnAnchorToo()
    {
        string input = _prepared.Folder.Write("rows.tsv", "premise\thypothesis\tlabel\np\te\t0\np\tn\t1\np\tc\t2\ne\tx\t2\n");

        PreparationReport report = _prepared.Run(PreparedRows.Triplets, "out.tsv", input);

        // p entails e and contradicts c; e, in the other direction, entails p and contradicts x.
        Assert.That(_prepared.Rows(), Is.EqualTo(["p|e|c", "e|p|c", "e|p|x", "p|e|x"]));
        Assert.That((report.Anchors, report.TextsWithoutTriplet), Is.EqualTo((2, 3)));
    }

    [Test]
    public void InOneDirectionEachPremiseGivesOneTriplet()
    {
        string input = _prepared.Folder.Write("rows.tsv", "premise\thypothesis\tlabel\nq\tp\t1\np\te\t0\np\tc\t2\ne\tx\t2\n");

        PreparationReport report = Prepared.Run(
            new PreparationOptions { Inputs = [input], Output = _prepared.Output(), Rows = PreparedRows.Triplets, BothDirections = false });

        Assert.That(_prepared.Rows(), Is.EqualTo(["p|e|c"]));
        Assert.That((report.Anchors, report.TextsWithoutTriplet), Is.EqualTo((1, 2)));
    }

    [Test]
    public void AHypothesisThatComesTwiceCountsOnce()
    {
        string rows = "premise\thypothesis\tlabel\n" + string.Concat(Enumerable.Repeat("p\tcommon\t0\n", 1_000)) + "p\trare\t0\np\tc\t2\n";
        string input = _prepared.Folder.Write("rows.tsv", rows);

        int rare = Enumerable.Range(0, 60).Count(seed =>
        {
            Prepared.Run(new PreparationOptions { Inputs = [input], Output = _prepared.Output(), Rows = PreparedRows.Triplets, Seed = seed, BothDirections = false });
            return _prepared.Rows().Single() == "p|rare|c";
        });

        Assert.That(rare, Is.InRange(15, 45));
    }

    /// <summary>The fixture's rows, those without a label too.</summary>
    private static IEnumerable<(string Premise, string Hypothesis, int Label)> AllRows()
    {
        using System.IO.Compression.GZipStream stream = new(File.OpenRead(Fixtures.Own("data", "snli-style.jsonl.gz")), System.IO.Compression.CompressionMode.Decompress);
        using StreamReader reader = new(stream);
        while (reader.ReadLine() is string line)
        {
            using JsonDocument row = JsonDocument.Parse(line);
            yield return (row.RootElement.GetProperty("premise").GetString()!, row.RootElement.GetProperty("hypothesis").GetString()!, row.RootElement.GetProperty("label").GetInt32());
        }
    }
}
