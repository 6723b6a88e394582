using System.Globalization;
using MnrEngine.Data;
using MnrEngine.Data.Preparation;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data.Preparation;

/// <summary>SNLI, MultiNLI and the hub's data sets in each form they come in, into each form that a loss needs.</summary>
public sealed class NliPreparationTests
{
    private const string SnliLines = """
        {"annotator_labels": ["neutral"], "captionID": "1", "gold_label": "neutral", "sentence1": "p1", "sentence1_parse": "(ROOT)", "sentence2": "h1"}
        {"annotator_labels": ["entailment", "neutral"], "gold_label": "-", "sentence1": "p1", "sentence1_parse": "(ROOT)", "sentence2": "h2"}
        {"annotator_labels": ["entailment"], "gold_label": "entailment", "sentence1": "p1", "sentence1_parse": "(ROOT)", "sentence2": "h3"}
        {"annotator_labels": ["contradiction"], "gold_label": "contradiction", "sentence1": "p1", "sentence1_parse": "(ROOT)", "sentence2": "h4"}
        """;

    // multinli_1.0_*.txt and snli_1.0_*.txt: rows may end before the last columns, and quotation marks are text.
    private const string PublishersTable =
        "gold_label\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tpromptID\tpairID\tgenre\tlabel1\tlabel2\n"
        + "entailment\t( a )\t( b )\t(ROOT)\t(ROOT)\tsay \"p2\t\"h5\" he said\t31193\t31193n\tgovernment\tneutral\n"
        + "-\t( a )\t( b )\t(ROOT)\t(ROOT)\tp2\th6\t31193\t31193n\tgovernment\tneutral\n";

    private const string GlueTable =
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
        + "0\t31193\t31193n\tgovernment\t( a )\t( b )\t(ROOT)\t(ROOT)\tp3\th7\tneutral\tentailment\n";

    private Prepared _prepared = null!;

    [SetUp]
    public void MakeFolder() => _prepared = new Prepared();

    [TearDown]
    public void DeleteFolder() => _prepared.Dispose();

    [Test]
    public void PairsAreTheEntailmentsOfAllSources()
    {
        PreparationReport report = _prepared.Run(
            PreparedRows.Pairs,
            "out.tsv",
            _prepared.Folder.Write("snli_1.0_train.jsonl", SnliLines),
            _prepared.Folder.Write("multinli_1.0_train.txt", PublishersTable),
            _prepared.Folder.Write("MNLI/train.tsv", GlueTable));

        Assert.That(_prepared.Rows(), Is.EqualTo(["p1|h3", "say \"p2|\"h5\" he said", "p3|h7"]));
        Assert.That(report.Sources.Select(static s => (s.Read, s.Unlabelled, s.OtherLabel, s.Kept)), Is.EqualTo([(4, 1, 2, 1), (2, 1, 0, 1), (1, 0, 0, 1)]));
        Assert.That((report.Written, report.Duplicates), Is.EqualTo((3, 0)));
        Assert.That(report.Columns, Is.EqualTo(["anchor", "positive"]));
    }

    [Test]
    public void LabelledRowsHaveTheHubsNumbers()
    {
        _prepared.Run(PreparedRows.Labelled, "out.tsv", _prepared.Folder.Write("snli_1.0_train.jsonl", SnliLines), _prepared.Folder.Write("train.tsv", GlueTable));

        Assert.That(File.ReadAllLines(_prepared.Output()), Is.EqualTo(["premise\thypothesis\tlabel", "p1\th1\t1", "p1\th3\t0", "p1\th4\t2", "p3\th7\t0"]));
    }

    [Test]
    public void TheHubsParquetAndJsonLinesGiveTheSame()
    {
        PreparationReport parquet = _prepared.Run(PreparedRows.Labelled, "parquet.tsv", Fixtures.Path("data", "snli-style.parquet"));
        PreparationReport lines = _prepared.Run(PreparedRows.Labelled, "lines.tsv", Fixtures.Path("data", "snli-style.jsonl.gz"));

        Assert.That(File.ReadAllBytes(_prepared.Output("parquet.tsv")), Is.EqualTo(File.ReadAllBytes(_prepared.Output("lines.tsv"))));
        Assert.That((parquet.Written, parquet.Sources[0].Unlabelled), Is.EqualTo((2_969, 31)));
        Assert.That(lines.Written, Is.EqualTo(2_969));
    }

    [Test]
    public void ItsPairsAreTheHubsPairs()
    {
        _prepared.Run(PreparedRows.Pairs, "made.tsv", Fixtures.Path("data", "snli-style.parquet"));
        _prepared.Run(PreparedRows.Pairs, "hub.tsv", Fixtures.Path("data", "all-nli-pair.parquet"));

        Assert.That(_prepared.Rows("made.tsv"), Has.Length.EqualTo(1_047).And.EqualTo(_prepared.Rows("hub.tsv")));
    }

    [Test]
    public void TripletsThatAreSomeAlreadyStayAsTheyAre()
    {
        string hub = Fixtures.Path("data", "all-nli-triplet.parquet");

        _prepared.Run(PreparedRows.Triplets, "triplets.parquet", hub);
        _prepared.Run(PreparedRows.Pairs, "pairs.parquet", hub);

        TextDataset before = TextDataset.Load(new DatasetSource(hub));
        Assert.That(TextDataset.Load(new DatasetSource(_prepared.Output("triplets.parquet"))).Columns, Is.EqualTo(before.Columns));
        Assert.That(TextDataset.Load(new DatasetSource(_prepared.Output("pairs.parquet"))).Columns, Is.EqualTo(before.Columns.Take(2)));
    }

    [Test]
    public void EveryFormatHoldsTheSameRows()
    {
        string input = _prepared.Folder.Write("rows.csv", "premise,hypothesis,label\n\"a, \"\"b\"\"\",\"grün 😀\",0\n\"\\u0041\",c,2\n");
        string[] expected = ["a, \"b\"|grün 😀|0", "\\u0041|c|2"];

        foreach (string name in (string[])["o.tsv", "o.csv", "o.jsonl", "o.parquet", "o.tsv.gz", "o.csv.gz", "o.jsonl.gz"])
        {
            _prepared.Run(PreparedRows.Labelled, name, input);
            Assert.That(_prepared.Rows(name), Is.EqualTo(expected), name);
        }

        Assert.That(File.ReadAllText(_prepared.Output("o.jsonl")), Does.StartWith("""{"premise":"a, \"b\"","hypothesis":"grün \uD83D\uDE00","label":0}""" + "\n"));
    }

    [Test]
    public void TsvCanNotHoldTabsAndLineBreaksSoTheyBecomeSpacesAndAreCounted()
    {
        string input = _prepared.Folder.Write("rows.csv", "anchor,positive\n\"two\nlines\",\"a\tb\"\nc,d\n");

        PreparationReport report = _prepared.Run(PreparedRows.Pairs, "out.tsv", input);
        PreparationReport csv = _prepared.Run(PreparedRows.Pairs, "out.csv", input);

        Assert.That(_prepared.Rows(), Is.EqualTo(["two lines|a b", "c|d"]));
        Assert.That(_prepared.Rows("out.csv"), Is.EqualTo(["two\nlines|a\tb", "c|d"]));
        Assert.That((report.Flattened, csv.Flattened), Is.EqualTo((2, 0)));
    }

    [Test]
    public void DuplicatesAreCountedAndLeftOutOnlyWhenAsked()
    {
        string input = _prepared.Folder.Write("rows.tsv", "premise\thypothesis\tlabel\na\tb\t0\nab\t\t0\na\tb\t0\na\tb\t1\na\tb\t0\n");

        PreparationReport all = _prepared.Run(PreparedRows.Labelled, "all.tsv", input);
        PreparationReport different = Prepared.Run(new PreparationOptions { Inputs = [input], Output = _prepared.Output(), Rows = PreparedRows.Labelled, DropDuplicates = true });

        Assert.That((all.Duplicates, all.Written), Is.EqualTo((2, 5)));
        Assert.That((different.Duplicates, different.Written), Is.EqualTo((2, 3)));
        Assert.That(_prepared.Rows(), Is.EqualTo(["a|b|0", "ab||0", "a|b|1"]));
    }

    /// <summary>A pair or triplet with an empty text teaches nothing, and train refuses an empty negative. A labelled row stays as it was published.</summary>
    [Test]
    public void RowsWithAnEmptyTextAreDroppedFromPairsAndTripletsAndCounted()
    {
        string pairs = _prepared.Folder.Write("pairs.tsv", "anchor\tpositive\na\tb\n\n \t \nc\t\n");
        string triplets = _prepared.Folder.Write("triplets.tsv", "anchor\tpositive\tnegative\na\tb\tc\nd\te\t \n");
        string labelled = _prepared.Folder.Write("labelled.tsv", "premise\thypothesis\tlabel\np\te\t0\np\t\t0\np\tc\t2\np\t \t1\n\tx\t-\n");

        Assert.That(Counts(_prepared.Run(PreparedRows.Pairs, "out.tsv", pairs)), Is.EqualTo("read 4, blank 2, empty 1, kept 1, kept empty 0"));
        Assert.That(_prepared.Rows(), Is.EqualTo(["a|b"]));
        Assert.That(Counts(_prepared.Run(PreparedRows.Pairs, "out.tsv", triplets)), Is.EqualTo("read 2, blank 0, empty 0, kept 2, kept empty 0"), "a pair has no negative");
        Assert.That(Counts(_prepared.Run(PreparedRows.Triplets, "out.tsv", triplets)), Is.EqualTo("read 2, blank 0, empty 1, kept 1, kept empty 0"));
        Assert.That(Counts(_prepared.Run(PreparedRows.Triplets, "out.tsv", labelled)), Is.EqualTo("read 5, blank 0, empty 1, kept 2, kept empty 0"), "neutral and unlabelled rows are counted as that");
        Assert.That(_prepared.Rows(), Is.EqualTo(["p|e|c", "e|p|c"]));
        Assert.That(Counts(_prepared.Run(PreparedRows.Labelled, "out.tsv", labelled)), Is.EqualTo("read 5, blank 0, empty 0, kept 4, kept empty 2"));

        static string Counts(PreparationReport report) => report.Sources[0] is var s ? $"read {s.Read}, blank {s.Blank}, empty {s.HalfBlank}, kept {s.Kept}, kept empty {s.KeptHalfBlank}" : "";
    }

    [Test]
    public void WhatIsKeptIsWhatIsWrittenWhenDuplicatesAreDropped()
    {
        string first = _prepared.Folder.Write("first.tsv", "anchor\tpositive\na\tb\na\tb\n");
        string second = _prepared.Folder.Write("second.tsv", "anchor\tpositive\na\tb\nc\td\n");
        string scored = _prepared.Folder.Write("scored.tsv", "sentence1\tsentence2\tscore\na\tb\t1\na\tb\t1\n");

        PreparationReport pairs = Prepared.Run(new PreparationOptions { Inputs = [first, second], Output = _prepared.Output(), Rows = PreparedRows.Pairs, DropDuplicates = true });
        PreparationReport sts = Prepared.Run(new PreparationOptions { Inputs = [scored, scored], Output = _prepared.Output(), Rows = PreparedRows.Sts, DropDuplicates = true });

        Assert.That(pairs.Sources.Select(static source => (source.DroppedDuplicates, source.Kept)), Is.EqualTo([(1L, 1L), (1L, 1L)]));
        Assert.That(pairs.Written, Is.EqualTo(2));
        Assert.That(sts.Sources.Select(static source => (source.DroppedDuplicates, source.Kept)), Is.EqualTo([(1L, 1L), (2L, 0L)]));
        Assert.That(sts.Written, Is.EqualTo(1));
    }

    /// <summary>MNLI has two validation sets; a folder and a zip file call them dev_matched and dev_mismatched, the hub validation_matched and validation_mismatched.</summary>
    [TestCase("validation_matched", "m")]
    [TestCase("dev_mismatched", "mm")]
    [TestCase("dev", "m", "mm")]
    [TestCase("train", "t")]
    public void ASplitMayHaveMoreBehindItsName(string split, params string[] anchors)
    {
        (string Name, string Anchor)[] files = [("train", "t"), ("dev_matched", "m"), ("dev_mismatched", "mm")];
        foreach ((string name, string anchor) in files)
        {
            _prepared.Folder.Write($"mnli/{name}.tsv", $"sentence1\tsentence2\tgold_label\n{anchor}\tx\tentailment\n");
        }

        string zip = _prepared.Zip("mnli.zip", [.. files.Select(static file => ($"MNLI/{file.Name}.tsv", $"sentence1\tsentence2\tgold_label\n{file.Anchor}\tx\tentailment\n"))]);
        foreach (string input in (string[])[_prepared.Folder.Path("mnli"), zip])
        {
            Prepared.Run(new PreparationOptions { Inputs = [input], Output = _prepared.Output(), Rows = PreparedRows.Pairs, Split = split });
            Assert.That(_prepared.Rows(), Is.EqualTo(anchors.Select(static anchor => $"{anchor}|x")), input);
        }
    }

    [Test]
    public void AnInputMayHaveASplitOfItsOwn()
    {
        string all = _prepared.Folder.Write("all.tsv", "split\tsentence1\tsentence2\tlabel\ntrain\ta\tb\t0\ndev_matched\tc\td\t0\n");

        Prepared.Run(new PreparationOptions { Inputs = [all, new PreparationInput(all, "validation_matched")], Output = _prepared.Output(), Rows = PreparedRows.Labelled });

        Assert.That(_prepared.Rows(), Is.EqualTo(["a|b|0", "c|d|0"]));
    }

    [Test]
    public void AFileOfAllSplitsIsReadForOne()
    {
        // The form of AllNLI.tsv.gz, which sentence-transformers' scripts download.
        string input = _prepared.Folder.Write(
            "AllNLI.tsv",
            "split\tdataset\tfilename\tsentence1\tsentence2\tlabel\ntrain\tSNLI\tx\tp1\th1\tentailment\ndev\tSNLI\tx\tp2\th2\tentailment\ntrain\tMNLI\tx\tp3\th3\tneutral\n");

        PreparationReport train = _prepared.Run(PreparedRows.Labelled, "out.tsv", input);
        Prepared.Run(new PreparationOptions { Inputs = [input], Output = _prepared.Output("dev.tsv"), Rows = PreparedRows.Labelled, Split = "validation" });

        Assert.That(_prepared.Rows(), Is.EqualTo(["p1|h1|0", "p3|h3|1"]));
        Assert.That(train.Sources[0].OtherSplit, Is.EqualTo(1));
        Assert.That(_prepared.Rows("dev.tsv"), Is.EqualTo(["p2|h2|0"]));
    }

    [Test]
    public void AFolderOfPartsIsReadInOrder()
    {
        ParquetFile.WriteTexts(_prepared.Folder.Path("train-00001-of-00002.parquet"), ["anchor", "positive"], [["c"], ["d"]]);
        ParquetFile.WriteTexts(_prepared.Folder.Path("train-00000-of-00002.parquet"), ["anchor", "positive"], [["a"], ["b"]]);
        ParquetFile.WriteTexts(_prepared.Folder.Path("dev-00000-of-00001.parquet"), ["anchor", "positive"], [["e"], ["f"]]);

        _prepared.Run(PreparedRows.Pairs, "out/made.tsv", _prepared.Folder.Root);

        Assert.That(_prepared.Rows("out/made.tsv"), Is.EqualTo(["a|b", "c|d"]));
    }

    [Test]
    public void ColumnsCanBeNamed()
    {
        string input = _prepared.Folder.Write("rows.jsonl", """{"x": "1", "from": "a", "to": "b", "says": "Entailment"}""" + "\n");

        Prepared.Run(new PreparationOptions { Inputs = [input], Output = _prepared.Output(), Rows = PreparedRows.Labelled, Columns = ["from", "to"], LabelColumn = "says" });

        Assert.That(_prepared.Rows(), Is.EqualTo(["a|b|0"]));
    }

    [Test]
    public void MoreRowsThanABatchAndARowGroupComeThroughInOrder()
    {
        const int Count = 40_000;
        string input = _prepared.Folder.Write("rows.tsv", string.Concat(Enumerable.Range(0, Count).Select(static i => string.Create(CultureInfo.InvariantCulture, $"anchor {i}\tpositive {i}\n"))));

        PreparationReport report = _prepared.Run(PreparedRows.Pairs, "out.parquet", input);

        Assert.That((report.Written, report.Duplicates), Is.EqualTo((Count, 0)));
        Assert.That(_prepared.Rows("out.parquet"), Is.EqualTo(Enumerable.Range(0, Count).Select(static i => $"anchor {i}|positive {i}")));
        Assert.That(report.Sample[0], Has.Count.EqualTo(20_000).And.Unique);
        Assert.That(report.Sample[1], Is.EqualTo(report.Sample[0].Select(static text => text.Replace("anchor", "positive", StringComparison.Ordinal))));
        Assert.That(report.Sample[0].Select(static text => int.Parse(text[7..], CultureInfo.InvariantCulture)), Is.Ordered);
        Assert.That(report.Sample[0].Average(static text => int.Parse(text[7..], CultureInfo.InvariantCulture)), Is.EqualTo(Count / 2.0).Within(500));
    }

    [Test]
    public void TheSameSeedGivesTheSameBytes()
    {
        foreach (string name in (string[])["a.jsonl.gz", "b.jsonl.gz"])
        {
            _prepared.Run(PreparedRows.Triplets, name, Fixtures.Path("data", "snli-style.parquet"));
        }

        Assert.That(File.ReadAllBytes(_prepared.Output("a.jsonl.gz")), Is.EqualTo(File.ReadAllBytes(_prepared.Output("b.jsonl.gz"))));
    }
}
