using System.IO.Compression;
using System.Text;
using MnrEngine.Data;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data;

public sealed class TextDatasetTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void TsvIsNotQuoted()
    {
        TextDataset data = Load("a.tsv", "anchor\tpositive\n\"Hello\tworld\" \"\n'a, b'\t\"\"\n");
        Assert.That(data.Columns[0], Is.EqualTo(["\"Hello", "'a, b'"]));
        Assert.That(data.Columns[1], Is.EqualTo(["world\" \"", "\"\""]));
    }

    /// <summary>
    /// As it does for Python's text files, from which sentence-transformers' scripts read TSV, and for pandas, from which datasets does: what reads alike there reads alike here.
    /// </summary>
    [Test]
    public void ACarriageReturnByItselfEndsARow()
    {
        TextDataset data = Load("a.tsv", "anchor\tpositive\ra\tb\r\nc\td\re\tf\n");
        Assert.That(data.Columns[0], Is.EqualTo(["a", "c", "e"]));
        Assert.That(data.Columns[1], Is.EqualTo(["b", "d", "f"]));
    }

    [Test]
    public void CsvIsQuotedAsRfc4180Says()
    {
        TextDataset data = Load("a.csv", "anchor,positive\r\n\"a, \"\"b\"\"\",c\r\n\"two\r\nlines\",\"\"\r\nsay \"hi\", d \r\n");
        Assert.That(data.Columns[0], Is.EqualTo(["a, \"b\"", "two\r\nlines", "say \"hi\""]));
        Assert.That(data.Columns[1], Is.EqualTo(["c", "", " d "]));
    }

    [Test]
    public void JsonLinesHoldFlatObjectsWhoseOtherKeysDoNotMatter()
    {
        TextDataset data = Load("a.jsonl", """
            {"positive": "gr\u00fcn \ud83d\ude00", "id": 3, "anchor": "a\tb", "tags": ["x", {"anchor": "no"}]}

            {"anchor": "c", "positive": "", "id": null}
            """);
        Assert.That(data.ColumnNames, Is.EqualTo(["anchor", "positive"]));
        Assert.That(data.Columns[0], Is.EqualTo(["a\tb", "c"]));
        Assert.That(data.Columns[1], Is.EqualTo(["grün 😀", ""]));
        Assert.That(data.Files[0].Blank, Is.EqualTo(1));
    }

    [Test]
    public void SnlisOriginalFormatIsUnderstood()
    {
        DatasetSource source = Write("snli.jsonl", """
            {"annotator_labels": ["neutral"], "captionID": "1", "gold_label": "neutral", "sentence1": "p1", "sentence1_parse": "(ROOT)", "sentence2": "h1"}
            {"annotator_labels": ["entailment", "neutral"], "captionID": "2", "gold_label": "-", "sentence1": "p2", "sentence1_parse": "(ROOT)", "sentence2": "h2"}
            {"annotator_labels": ["entailment"], "captionID": "3", "gold_label": "entailment", "sentence1": "p3", "sentence1_parse": "(ROOT)", "sentence2": "h3"}
            """);
        TextDataset all = TextDataset.Load(source);
        Assert.That(all.Columns[0], Is.EqualTo(["p1", "p3"]));
        Assert.That(all.Labels, Is.EqualTo(["neutral", "entailment"]));
        TextDataset entailed = TextDataset.Load(source with { Labels = ["entailment"] });
        Assert.That(entailed.Columns[1], Is.EqualTo(["h3"]));
        Assert.That(entailed.Files.Single(), Is.EqualTo(new FileReport(source.Path, Read: 3, Kept: 1, Blank: 0, Unlabelled: 1, OtherLabel: 1)));
    }

    [Test]
    public void TheHubsFileGivesTheCountsThatItsMakerWrote()
    {
        using System.Text.Json.JsonDocument counts = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Fixtures.Path("data", "all-MiniLM-L6-v2.json")));
        System.Text.Json.JsonElement expected = counts.RootElement.GetProperty("snli-style");
        DatasetSource source = new(Fixtures.Path("data", "snli-style.jsonl.gz"));
        TextDataset labelled = TextDataset.Load(source);
        Assert.That(labelled.ColumnNames, Is.EqualTo(["premise", "hypothesis"]));
        Assert.That(labelled.Files[0].Read, Is.EqualTo(expected.GetProperty("rows").GetInt32()));
        Assert.That(labelled.Files[0].Unlabelled, Is.EqualTo(expected.GetProperty("unlabelled").GetInt32()));
        System.Text.Json.JsonElement first = expected.GetProperty("first");
        Assert.That(labelled.Columns[0][0], Is.EqualTo(first[0].GetString()));
        Assert.That(labelled.Columns[1][0], Is.EqualTo(first[1].GetString()));
        Assert.That(labelled.Labels![0], Is.EqualTo(first[2].GetRawText()));
        foreach (string label in new[] { "entailment", "neutral", "contradiction" })
        {
            Assert.That(TextDataset.Load(source with { Labels = [label] }).Count, Is.EqualTo(expected.GetProperty(label).GetInt32()), label);
        }
    }

    [TestCase("a.tsv.gz", "anchor\tpositive\na\tb\n")]
    [TestCase("a.csv.gz", "anchor,positive\na,b\n")]
    [TestCase("a.jsonl.gz", "{\"anchor\": \"a\", \"positive\": \"b\"}\n")]
    [TestCase("compressed but not named so.tsv", "anchor\tpositive\na\tb\n")]
    public void EveryFormatMayBeCompressed(string name, string text)
    {
        TextDataset data = TextDataset.Load(new DatasetSource(WriteGzip(name, text)));
        Assert.That(data.Columns.Select(column => column.Single()), Is.EqualTo(["a", "b"]));
    }

    [Test]
    public void ACompressedFileMayHaveSeveralMembers()
    {
        string path = WriteGzip("a.tsv.gz", "anchor\tpositive\na\t");
        byte[] more = File.ReadAllBytes(WriteGzip("b.tsv.gz", "b\nc\td\n"));
        File.AppendAllBytes(path, more);
        Assert.That(TextDataset.Load(new DatasetSource(path)).Columns[1], Is.EqualTo(["b", "d"]));
    }

    [TestCase("premise\thypothesis\tlabel\tsource", "premise,hypothesis")]
    [TestCase("index\tsentence1\tsentence2\tgold_label", "sentence1,sentence2")]
    [TestCase("positive\tnegative\tanchor\tid", "anchor,positive,negative")]
    [TestCase("query\tpositive\tnegative_10\tnegative_2\tnegative_1", "query,positive,negative_1,negative_2,negative_10")]
    [TestCase("Query\tAnswer", "Query,Answer")]
    [TestCase("sent0\tsent1\thard_neg", "sent0,sent1,hard_neg")]
    public void ColumnsAreGuessedByName(string header, string names)
    {
        string row = string.Join('\t', header.Split('\t').Select(name => $"a {name}"));
        TextDataset data = Load("a.tsv", $"{header}\n{row}\n");
        Assert.That(data.ColumnNames, Is.EqualTo(names.Split(',')));
        Assert.That(data.Columns.Select(column => column.Single()), Is.EqualTo(names.Split(',').Select(name => $"a {name}")));
    }

    [TestCase("a b\tc d", "anchor,positive", false)]
    [TestCase("a b\tc d\te f", "anchor,positive,negative", false)]
    [TestCase("a b\tc d\te f\tg h", "anchor,positive,negative_1,negative_2", false)]
    [TestCase("a b\tc d\tentailment", "anchor,positive", true)]
    [TestCase("a b\tc d\te f\t2", "anchor,positive,negative", true)]
    public void WithoutAHeaderColumnsGoByPosition(string row, string names, bool labelled)
    {
        TextDataset data = Load("a.tsv", row + "\n" + row + "\n");
        Assert.That(data.ColumnNames, Is.EqualTo(names.Split(',')));
        Assert.That(data.Count, Is.EqualTo(2));
        Assert.That(data.Columns.Select(column => column[1]), Is.EqualTo(row.Split('\t').Take(names.Split(',').Length)));
        Assert.That(data.Labels is not null, Is.EqualTo(labelled));
    }

    [Test]
    public void ColumnsMayBeNamedOrNumbered()
    {
        DatasetSource source = Write("a.tsv", "id\ttext\tmatch\tanchor\tpositive\n1\ta\tb\tc\td\n");
        Assert.That(TextDataset.Load(source with { Columns = ["text", "match"] }).Columns.Select(column => column[0]), Is.EqualTo(["a", "b"]));
        Assert.That(TextDataset.Load(source with { Columns = ["4", "1", "3"] }).Columns.Select(column => column[0]), Is.EqualTo(["d", "a", "c"]));
    }

    [Test]
    public void AColumnMayBeUsedTwice([Values("a.tsv", "a.jsonl")] string name)
    {
        DatasetSource source = Write(name, name == "a.tsv" ? "text\tid\na b\t1\n" : "{\"text\": \"a b\", \"id\": 1}\n");
        TextDataset data = TextDataset.Load(source with { Columns = ["text", "text"] });
        Assert.That(data.Columns.Select(column => column.Single()), Is.EqualTo(["a b", "a b"]));
    }

    [Test]
    public void AHeaderOfUnknownNamesCanBePointedOut()
    {
        DatasetSource source = Write("a.tsv", "left\tright\na\tb\n");
        Assert.That(TextDataset.Load(source).Count, Is.EqualTo(2), "not recognised");
        TextDataset data = TextDataset.Load(source with { HasHeader = true });
        Assert.That(data.ColumnNames, Is.EqualTo(["left", "right"]));
        Assert.That(data.Count, Is.EqualTo(1));
    }

    [Test]
    public void AFirstRowThatLooksLikeAHeaderCanBeKept()
    {
        DatasetSource source = Write("a.tsv", "query\tanswer\na\tb\n");
        Assert.That(TextDataset.Load(source with { HasHeader = false }).Columns[0], Is.EqualTo(["query", "a"]));
    }

    [Test]
    public void FormatAndDelimiterCanBeSet()
    {
        DatasetSource source = Write("pairs.dat", "anchor;positive\n\"a;b\";c\n");
        TextDataset data = TextDataset.Load(source with { Format = DataFormat.Csv, Delimiter = ';' });
        Assert.That(data.Columns.Select(column => column.Single()), Is.EqualTo(["a;b", "c"]));
    }

    [TestCase("entailment", "entailment", 1)]
    [TestCase("0", "entailment", 1)]
    [TestCase("0.0", "entailment", 1)]
    [TestCase("entailment", "0", 1)]
    [TestCase(" Entailment ", "entailment", 1)]
    [TestCase("2", "contradiction", 1)]
    [TestCase("1", "entailment", 0)]
    [TestCase("duplicate", "duplicate", 1)]
    public void LabelsMeanTheSameByNameAndByNumber(string label, string keep, int kept)
    {
        DatasetSource source = Write("a.tsv", $"premise\thypothesis\tlabel\na\tb\t{label}\nc\td\t{keep}\n");
        Assert.That(TextDataset.Load(source with { Labels = [keep] }).Count, Is.EqualTo(kept + 1));
    }

    [TestCase("-1")]
    [TestCase("-")]
    [TestCase("")]
    public void RowsWithoutALabelAreDroppedAndCounted(string label)
    {
        TextDataset data = Load("a.tsv", $"premise\thypothesis\tlabel\na\tb\t{label}\nc\td\t7\n");
        Assert.That(data.Columns[0], Is.EqualTo(["c"]));
        Assert.That(data.Files[0].Unlabelled, Is.EqualTo(1));
    }

    [TestCase("-1")]
    [TestCase("\"-\"")]
    [TestCase("null")]
    public void ObjectsWithoutALabelAreDroppedAndCounted(string label)
    {
        TextDataset data = Load("a.jsonl", $$"""
            {"premise": "a", "hypothesis": "b", "label": {{label}}}
            {"premise": "c", "hypothesis": "d", "label": 0}
            """);
        Assert.That(data.Columns[0], Is.EqualTo(["c"]));
        Assert.That(data.Labels, Is.EqualTo(["0"]));
        Assert.That(data.Files[0].Unlabelled, Is.EqualTo(1));
    }

    [Test]
    public void BlankRowsAreDroppedAndCountedButOneEmptyTextIsKept()
    {
        TextDataset data = Load("a.tsv", "\nanchor\tpositive\n\na\tb\n \t \nc\t\n\n");
        Assert.That(data.Columns[0], Is.EqualTo(["a", "c"]));
        Assert.That(data.Columns[1], Is.EqualTo(["b", ""]));
        Assert.That(data.Files[0], Is.EqualTo(new FileReport(data.Files[0].Path, Read: 5, Kept: 2, Blank: 3, Unlabelled: 0, OtherLabel: 0)));
    }

    [Test]
    public void SeveralFilesOfDifferentFormatsMakeOneDataSet()
    {
        DatasetSource[] sources =
        [
            Write("a.tsv", "premise\thypothesis\tlabel\na\tb\tentailment\nc\td\tneutral\n") with { Labels = ["entailment"] },
            Write("b.csv", "e,f\n"),
            Write("c.jsonl", "{\"sentence1\": \"g\", \"sentence2\": \"h\"}"),
        ];
        TextDataset data = TextDataset.Load(sources);
        Assert.That(data.ColumnNames, Is.EqualTo(["premise", "hypothesis"]));
        Assert.That(data.Columns[0], Is.EqualTo(["a", "e", "g"]));
        Assert.That(data.Columns[1], Is.EqualTo(["b", "f", "h"]));
        Assert.That(data.Labels, Is.Null, "two files have none");
        Assert.That(data.Files.Select(file => file.Kept), Is.EqualTo([1, 1, 1]));
    }

    [Test]
    public void EqualTextsAreHeldOnce()
    {
        TextDataset data = Load("a.tsv", "same\tone\nsame\tsame\n");
        Assert.That(data.Texts.Count, Is.EqualTo(2));
        Assert.That(data.Columns, Is.EqualTo(new string[][] { ["same", "same"], ["one", "same"] }));
    }

    [TestCase("a.tsv", "\ufeffanchor\tpositive\r\na\tb\r\nc\td")]
    [TestCase("a.csv", "\ufeffanchor,positive\r\na,b\r\nc,d")]
    [TestCase("a.jsonl", "\ufeff{\"anchor\": \"a\", \"positive\": \"b\"}\r\n{\"anchor\": \"c\", \"positive\": \"d\"}")]
    public void ByteOrderMarkWindowsLineEndsAndAMissingLastLineEndAreNothingSpecial(string name, string text)
    {
        TextDataset data = Load(name, text);
        Assert.That(data.ColumnNames, Is.EqualTo(["anchor", "positive"]));
        Assert.That(data.Columns[1], Is.EqualTo(["b", "d"]));
    }

    [TestCase("a.tsv")]
    [TestCase("a.csv")]
    [TestCase("a.jsonl")]
    public void AVeryLongTextIsATextLikeAnother(string name)
    {
        string text = string.Concat(Enumerable.Repeat("wörd ", 100_000));
        string content = name switch
        {
            "a.tsv" => $"anchor\tpositive\n{text}\tb\nc\td\n",
            "a.csv" => $"anchor,positive\n\"{text}\",b\nc,d\n",
            _ => $"{{\"anchor\": \"{text}\", \"positive\": \"b\"}}\n{{\"anchor\": \"c\", \"positive\": \"d\"}}\n",
        };
        Assert.That(Load(name, content).Columns[0], Is.EqualTo([text, "c"]));
    }

    [Test]
    public void AReportIsALineForAPerson() =>
        Assert.That(
            new FileReport("train.tsv", Read: 52_272, Kept: 17_943, Blank: 0, Unlabelled: 1, OtherLabel: 34_328).ToString(),
            Is.EqualTo("train.tsv: 52,272 rows, 17,943 kept, 1 without a label, 34,328 with another label"));

    private TextDataset Load(string name, string text) => TextDataset.Load(Write(name, text));

    private DatasetSource Write(string name, string text) => new(_folder.Write(name, text));

    private string WriteGzip(string name, string text)
    {
        using GZipStream gzip = new(File.Create(_folder.Path(name)), CompressionLevel.Optimal);
        gzip.Write(Encoding.UTF8.GetBytes(text));
        return _folder.Path(name);
    }
}
