using MnrEngine.Data;
using MnrEngine.Testing;
using NUnit.Framework;
using Parquet.Schema;

namespace MnrEngine.Engine.Tests.Data;

/// <summary>Parquet as pyarrow wrote it (the hub's files), and as others may.</summary>
public sealed class ParquetTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void TheHubsLabelledRowsAreThoseOfItsJsonLines()
    {
        TextDataset parquet = Load("snli-style.parquet");
        TextDataset lines = Load("snli-style.jsonl.gz");

        Assert.That(parquet.ColumnNames, Is.EqualTo(["premise", "hypothesis"]));
        Assert.That(parquet.Columns, Is.EqualTo(lines.Columns));
        Assert.That(parquet.Labels, Is.EqualTo(lines.Labels));
        Assert.That(parquet.Files.Single() with { Path = "" }, Is.EqualTo(new FileReport("", Read: 3_000, Kept: 2_969, Blank: 0, Unlabelled: 31, OtherLabel: 0)));
    }

    [Test]
    public void ItsEntailmentsAreItsPairs()
    {
        TextDataset entailed = TextDataset.Load(new DatasetSource(Fixtures.Path("data", "snli-style.parquet")) { Labels = ["entailment"] });
        TextDataset pairs = Load("all-nli-pair.parquet");

        Assert.That(pairs.ColumnNames, Is.EqualTo(["anchor", "positive"]));
        Assert.That(pairs.Columns, Is.EqualTo(entailed.Columns));
        Assert.That(pairs.Labels, Is.Null);
    }

    [Test]
    public void TripletsHaveAColumnOfNegatives()
    {
        TextDataset triplets = Load("all-nli-triplet.parquet");

        Assert.That(triplets.ColumnNames, Is.EqualTo(["anchor", "positive", "negative"]));
        Assert.That(triplets.Count, Is.EqualTo(1_000));
        Assert.That(triplets.Columns.SelectMany(static column => column), Has.None.Empty);
    }

    [Test]
    public void RowGroupsFollowEachOther()
    {
        string path = _folder.Path("groups.parquet");
        ParquetFile.WriteTexts(path, ["anchor", "other", "positive"], [["a", "b"], ["x", "x"], ["c", "d"]], [["e"], [null], ["grün 😀"]], [["f"], ["x"], [""]]);

        TextDataset data = TextDataset.Load(new DatasetSource(path));

        Assert.That(data.Columns[0], Is.EqualTo(["a", "b", "e", "f"]));
        Assert.That(data.Columns[1], Is.EqualTo(["c", "d", "grün 😀", ""]));
    }

    [Test]
    public void ARowGroupMayBeEmpty()
    {
        string path = _folder.Path("empty.parquet");
        ParquetFile.WriteTexts(path, ["anchor", "positive"], [[], []], [["a"], ["b"]], [[], []]);

        Assert.That(TextDataset.Load(new DatasetSource(path)).Columns, Is.EqualTo(new string[][] { ["a"], ["b"] }));
    }

    [Test]
    public void AFileWithoutRowsHasNone()
    {
        string path = _folder.Path("none.parquet");
        ParquetFile.WriteTexts(path, ["anchor", "positive"]);

        Assert.That(() => TextDataset.Load(new DatasetSource(path)), Refusal.Saying($"no row of the data set is left ({path}: 0 rows, 0 kept)"));
    }

    [Test]
    public void ALabelThatIsNullOrNegativeIsNone()
    {
        string path = Labelled([0, null, -1, 2]);

        TextDataset data = TextDataset.Load(new DatasetSource(path));

        Assert.That(data.Labels, Is.EqualTo(["0", "2"]));
        Assert.That(data.Files.Single().Unlabelled, Is.EqualTo(2));
    }

    [Test]
    public void LabelsInAnotherOrderGoByTheNamesThatTheHubNotes()
    {
        const string Features =
            """{"info": {"features": {"premise": {"dtype": "string", "_type": "Value"}, "label": {"names": ["contradiction", "entailment", "neutral"], "_type": "ClassLabel"}}}}""";
        string path = Labelled([0, 1, 2, -1], new() { ["huggingface"] = Features });

        Assert.That(TextDataset.Load(new DatasetSource(path)).Labels, Is.EqualTo(["contradiction", "entailment", "neutral"]));
        Assert.That(TextDataset.Load(new DatasetSource(path) { Labels = ["0"] }).Columns[0], Is.EqualTo(["p1"]));
    }

    [Test]
    public void ScoresAreReadAsDoublesOfWhateverTheyAre()
    {
        string path = _folder.Path("sts.parquet");
        ParquetFile.Write(path, [new DataField<string>("sentence1"), new DataField<string>("sentence2"), new DataField<float>("label")], null,
            [new[] { "a", "b" }, new[] { "c", "d" }, new[] { 3.8f, 5f }]);

        StsDataset data = StsDataset.Load(new DatasetSource(path), scale: 5);

        Assert.That(data.Sentences2, Is.EqualTo(["c", "d"]));
        Assert.That(data.Scores, Is.EqualTo([3.8f / 5.0, 1.0]));
    }

    [Test]
    public void AnyColumnCanBeReadRowForRow()
    {
        string path = _folder.Path("one.parquet");
        ParquetFile.WriteTexts(path, ["id", "text"], [["1", "2"], ["x", "y"]]);

        Assert.That(TextColumn.Read(new DatasetSource(path) { Columns = ["text"] }), Is.EqualTo(["x", "y"]));
    }

    [Test]
    public void TruthValuesAndOtherTypesAreNoTexts()
    {
        string path = _folder.Path("types.parquet");
        ParquetFile.Write(path, [new DataField<string>("anchor"), new DataField<bool>("good"), new DataField<DateTime>("day")], null,
            [new[] { "a" }, new[] { true }, new[] { new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc) }]);

        Assert.That(
            TextDataset.Load(new DatasetSource(path) { Columns = ["anchor", "anchor"], LabelColumn = "good" }).Labels, Is.EqualTo(["true"]));
        Assert.That(() => Read(path, ["anchor", "good"]), Refusal.Saying($"the column 'good' of {path} holds values of type Boolean, but texts were expected"));
        Assert.That(() => Read(path, ["anchor", "day"]), Refusal.Saying($"the column 'day' of {path} holds values of type DateTime, but texts were expected"));
    }

    [Test]
    public void AMissingColumn() => Assert.That(
        () => Read(Fixtures.Path("data", "all-nli-pair.parquet"), ["anchor", "negative"]),
        Refusal.Saying("all-nli-pair.parquet has no column 'negative': it has anchor, positive"));

    [Test]
    public void ATextThatIsNull()
    {
        string path = _folder.Path("null.parquet");
        ParquetFile.WriteTexts(path, ["anchor", "positive"], [["a", "b"], ["c", "d"]], [["e"], [null]]);

        Assert.That(() => TextDataset.Load(new DatasetSource(path)), Refusal.Saying($"{path}, row 3: the column 'positive' holds null, but a text was expected"));
    }

    [Test]
    public void SettingsThatParquetDoesNotHave() => Assert.That(
        () => TextDataset.Load(new DatasetSource(Fixtures.Path("data", "all-nli-pair.parquet")) { HasHeader = true }),
        Refusal.Saying("is read as Parquet, which has neither a delimiter nor a header line, but one is set for it"));

    [Test]
    public void SomethingElseNamedParquet() => Assert.That(
        () => TextDataset.Load(new DatasetSource(_folder.Write("data.parquet", "anchor\tpositive\n"))),
        Refusal.Saying("data.parquet is not a Parquet file: it doesn't begin with the letters PAR1"));

    [Test]
    public void AFileCutShortAnywhere()
    {
        byte[] whole = File.ReadAllBytes(Fixtures.Path("data", "all-nli-pair.parquet"));
        string path = _folder.Path("cut.parquet");
        foreach (int length in (int[])[1, 4, 8, 12, 1_000, whole.Length / 2, whole.Length - 8, whole.Length - 4, whole.Length - 1])
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.That(() => TextDataset.Load(new DatasetSource(path)), Refusal.Saying($"the Parquet file {path} is cut short"), $"{length} bytes");
        }
    }

    /// <summary>Whatever bytes are wrong: rows, which may be wrong ones, or one sentence, and never anything else.</summary>
    [Test]
    public void AFileWithWrongBytes()
    {
        byte[] whole = File.ReadAllBytes(Fixtures.Path("data", "all-nli-pair.parquet"));
        string path = _folder.Path("wrong.parquet");
        Random random = new(7);
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = [.. whole];
            for (int wrong = 0; wrong <= i % 4; wrong++)
            {
                // Half of them in the description at the end, which everything depends on.
                int at = random.Next(2) == 0 ? random.Next(4, bytes.Length - 8) : random.Next(bytes.Length - 1_500, bytes.Length - 8);
                bytes[at] = (byte)random.Next(256);
            }

            File.WriteAllBytes(path, bytes);
            try
            {
                TextDataset.Load(new DatasetSource(path));
            }
            catch (InputException e)
            {
                refused++;
                Assert.That(e.Message, Does.Contain(path).And.Not.Contain("\n"));
            }
        }

        Assert.That(refused, Is.GreaterThan(30));
    }

    private static TextDataset Load(string name) => TextDataset.Load(new DatasetSource(Fixtures.Path("data", name)));

    private static TextDataset Read(string path, string[] columns) => TextDataset.Load(new DatasetSource(path) { Columns = columns });

    private string Labelled(long?[] labels, Dictionary<string, string>? metadata = null)
    {
        string path = _folder.Path("labelled.parquet");
        string[] premises = [.. labels.Select(static (_, i) => $"p{i}")];
        ParquetFile.Write(
            path, [new DataField<string>("premise"), new DataField<string>("hypothesis"), new DataField<long?>("label")], metadata, [premises, premises, labels]);
        return path;
    }
}
