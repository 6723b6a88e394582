using System.Globalization;
using MnrEngine.Data;
using MnrEngine.Data.Preparation;
using MnrEngine.Testing;
using NUnit.Framework;
using Parquet.Schema;

namespace MnrEngine.Engine.Tests.Data.Preparation;

/// <summary>The STS benchmark in the forms it comes in, into sentence1, sentence2 and a score from 0 to 1.</summary>
public sealed class StsPreparationTests
{
    // The publishers' sts-train.csv: divided by tabs, nothing quoted, some rows with sources behind.
    private const string Original =
        "main-captions\tMSRvid\t2012test\t0001\t5.000\tA plane is taking off.\tAn air plane, \"big\", is taking off.\n"
        + "main-news\theadlines\t2015\t0004\t3.800\tTwo, or three\tThree, \"or two\tsource\tsource\n";

    private static readonly string[] Expected = ["A plane is taking off.|An air plane, \"big\", is taking off.|1", "Two, or three|Three, \"or two|0.76"];

    private Prepared _prepared = null!;

    [SetUp]
    public void MakeFolder() => _prepared = new Prepared();

    [TearDown]
    public void DeleteFolder() => _prepared.Dispose();

    [TestCase("sts-train.csv")]
    [TestCase("sts-train.tsv")]
    public void ThePublishersForm(string name)
    {
        PreparationReport report = _prepared.Run(PreparedRows.Sts, "out.tsv", _prepared.Folder.Write(name, Original));

        Assert.That(Rows(), Is.EqualTo(Expected));
        Assert.That(report.Columns, Is.EqualTo(["sentence1", "sentence2", "score"]));
        Assert.That(report.Sources[0].ScoreScale, Is.EqualTo(5));
    }

    [Test]
    public void ItCanBeEvaluatedOnAsItIs()
    {
        StsDataset data = StsDataset.Load(new DatasetSource(_prepared.Folder.Write("sts-dev.csv", Original)), scale: 5);

        Assert.That(data.Sentences2[1], Is.EqualTo("Three, \"or two"));
        Assert.That(data.Scores, Is.EqualTo([1, 0.76]));
    }

    [Test]
    public void ThreeColumnsWithoutAHeader()
    {
        string input = Path.Combine(Fixtures.RepositoryRoot ?? "", "examples", "data", "stsb-en-dev.csv");
        Assume.That(File.Exists(input), "the suite runs outside the repository");

        PreparationReport report = _prepared.Run(PreparedRows.Sts, "out.csv", input);

        StsDataset before = StsDataset.Load(new DatasetSource(input), scale: 5);
        StsDataset after = StsDataset.Load(new DatasetSource(_prepared.Output("out.csv")));
        Assert.That(report.Written, Is.EqualTo(1_500));
        Assert.That(after.Sentences1, Is.EqualTo(before.Sentences1));
        Assert.That(after.Scores, Is.EqualTo(before.Scores));
    }

    [Test]
    public void TheHubsParquetIsFromZeroToOneAlready()
    {
        string input = _prepared.Folder.Path("train-00000-of-00001.parquet");
        ParquetFile.Write(input, [new DataField<string>("sentence1"), new DataField<string>("sentence2"), new DataField<float>("score")], null,
            [new[] { "a", "b" }, new[] { "c", "d" }, new[] { 1f, 0.5f }]);

        PreparationReport report = _prepared.Run(PreparedRows.Sts, "out.parquet", input);

        Assert.That(StsDataset.Load(new DatasetSource(_prepared.Output("out.parquet"))).Scores, Is.EqualTo([1, 0.5]));
        Assert.That(report.Sources[0].ScoreScale, Is.EqualTo(1));
    }

    [Test]
    public void GluesHasScoresToFiveAndNoneInItsTestSet()
    {
        string input = _prepared.Folder.Path("test.parquet");
        ParquetFile.Write(input, [new DataField<string>("sentence1"), new DataField<string>("sentence2"), new DataField<float>("label"), new DataField<long>("idx")], null,
            [new[] { "a", "b", "e" }, new[] { "c", "d", "f" }, new[] { 2.5f, -1f, 0f }, new[] { 0L, 1L, 2L }]);

        PreparationReport report = _prepared.Run(PreparedRows.Sts, "out.tsv", input);

        Assert.That(Rows(), Is.EqualTo(["a|c|0.5", "e|f|0"]));
        Assert.That(report.Sources[0].Unlabelled, Is.EqualTo(1));
    }

    [Test]
    public void AFileOfAllSplitsIsReadForOne()
    {
        // The form of stsbenchmark.tsv.gz, which sentence-transformers' scripts download.
        string input = _prepared.Folder.Write(
            "stsbenchmark.tsv", "split\tgenre\tdataset\tyear\tsid\tscore\tsentence1\tsentence2\ntrain\tg\td\t2012\t1\t4\ta\tb\ndev\tg\td\t2012\t2\t5\tc\td\n");

        _prepared.Run(PreparedRows.Sts, "out.tsv", input);

        Assert.That(Rows(), Is.EqualTo(["a|b|0.8"]));
    }

    [Test]
    public void TheScaleCanBeGiven()
    {
        string input = _prepared.Folder.Write("sts.csv", "a,b,1\nc,d,0.5\n");

        Prepared.Run(new PreparationOptions { Inputs = [input], Output = _prepared.Output(), Rows = PreparedRows.Sts, ScoreScale = 5 });

        Assert.That(Rows(), Is.EqualTo(["a|b|0.2", "c|d|0.1"]));
    }

    [Test]
    public void TheHighestScoreMayBeTheLastOfMoreRowsThanABatch()
    {
        const int Count = 10_000;
        string input = _prepared.Folder.Write("sts.tsv", string.Concat(Enumerable.Range(1, Count).Select(static i => $"a {i}\tb {i}\t{(i < Count ? 1 : 5)}\n")));

        PreparationReport report = _prepared.Run(PreparedRows.Sts, "out.tsv", input);

        Assert.That((report.Sources[0].Read, report.Written), Is.EqualTo((Count, Count)));
        Assert.That(Rows(), Is.EqualTo(Enumerable.Range(1, Count).Select(static i => $"a {i}|b {i}|{(i < Count ? "0.2" : "1")}")));
    }

    /// <summary>A fault in the last row is found after the first were written: they are not kept until all are read.</summary>
    [Test]
    public void WithAScaleRowsPassThrough()
    {
        string input = _prepared.Folder.Write("sts.tsv", string.Concat(Enumerable.Repeat("a\tb\t1\n", 10_000)) + "c\td\thigh\n");
        PreparationOptions options = new() { Inputs = [input], Output = _prepared.Output(), Rows = PreparedRows.Sts };

        Assert.That(() => Prepared.Run(options with { ScoreScale = 5 }), Throws.TypeOf<PreparationException>().With.Message.StartsWith($"{input}, line 10001: the score is 'high'"));
        Assert.That(() => Prepared.Run(options), Refusal.Saying($"{input}, line 10001: the score is 'high'"));
        Assert.That(File.Exists(_prepared.Output()), Is.False);
    }

    [TestCase("a,b,6\n", ", line 1: the score is '6', but has to be a number from 0 to 5")]
    [TestCase("a,b,4\nc,d,high\n", ", line 2: the score is 'high', but has to be a number from 0 to 5")]
    [TestCase("a,b,-0.5\n", ", line 1: the score is '-0.5', but has to be a number from 0 to 5")]
    public void AScoreThatIsNone(string text, string message)
    {
        string input = _prepared.Folder.Write("sts.csv", text);

        Assert.That(() => _prepared.Run(PreparedRows.Sts, "out.tsv", input), Refusal.Saying(input + message));
    }

    private string[] Rows() => [.. File.ReadLines(_prepared.Output()).Skip(1).Select(static line => line.Replace('\t', '|'))];
}
