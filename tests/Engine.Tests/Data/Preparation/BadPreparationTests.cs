using MnrEngine.Data.Preparation;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data.Preparation;

/// <summary>What can't be prepared is told in one sentence, and leaves no file.</summary>
public sealed class BadPreparationTests
{
    private Prepared _prepared = null!;

    [SetUp]
    public void MakeFolder() => _prepared = new Prepared();

    [TearDown]
    public void DeleteFolder() => _prepared.Dispose();

    [TestCase("3")]
    [TestCase("-2")]
    [TestCase("0.5")]
    [TestCase("maybe")]
    public void ALabelOutOfRange(string label) => Refused(
        PreparedRows.Pairs,
        "rows.tsv",
        $"premise\thypothesis\tlabel\na\tb\t0\n\nc\td\t{label}\n",
        $"FILE, line 4: the label is '{label}', but has to be entailment (0), neutral (1) or contradiction (2), or - or -1 where there is none");

    [Test]
    public void TripletsOfPairsWithoutNegatives() => Refused(
        PreparedRows.Triplets, "rows.tsv", "anchor\tpositive\na\tb\n", "FILE has the text columns anchor, positive and no label, but triplets need a negative, or a label to find one by");

    [Test]
    public void TripletsInWhichANegativeIsMissing() => Refused(
        PreparedRows.Triplets, "rows.tsv", "anchor\tpositive\tnegative\na\tb\tc\nd\te\n", "FILE, line 3: found 2 columns, but at least 3 are needed");

    [Test]
    public void TripletsWithSeveralNegatives() => Refused(
        PreparedRows.Triplets,
        "rows.jsonl",
        """{"anchor": "a", "positive": "b", "negative_1": "c", "negative_2": "d"}""",
        "FILE has the text columns anchor, positive, negative_1, negative_2 and no label, but triplets have three: name them with --columns");

    [Test]
    public void TripletsOfWhatIsNeverContradicted() => Refused(
        PreparedRows.Triplets, "rows.tsv", "premise\thypothesis\tlabel\na\tb\t0\n",
        "no triplet can be made of FILE: none of 2 texts that could be an anchor has both an entailment and a contradiction");

    [Test]
    public void LabelledRowsWithoutALabel() => Refused(
        PreparedRows.Labelled, "rows.tsv", "anchor\tpositive\na\tb\n", "FILE has the text columns anchor, positive and no label, but labelled rows need a premise, a hypothesis and a label");

    [Test]
    public void ColumnsThatAreUnknown() => Refused(
        PreparedRows.Pairs, "rows.jsonl", """{"x": "a", "y": "b", "z": "c"}""", "which columns of FILE are the texts can't be guessed from x, y, z: name them");

    [TestCase(PreparedRows.Pairs, "snli_1.0_train.txt", "gold_label\tsentence1_parse\tsentence1\tcaptionID\nentailment\t(a)\ta\t1\n", "gold_label, sentence1_parse, sentence1, captionID: name them")]
    [TestCase(PreparedRows.Sts, "sts.csv", "sentence1,score\na,4\n", "sentence1, score: name the columns")]
    public void AHeaderThatLacksAColumn(PreparedRows rows, string name, string text, string message) => Refused(rows, name, text, $"can't be guessed from {message}");

    [Test]
    public void AFileOfHundredsOfColumnsDoesNotFillTheScreen() => Refused(
        PreparedRows.Pairs, "rows.jsonl", "{" + string.Join(", ", Enumerable.Range(1, 400).Select(static i => $"\"c{i}\": \"\"")) + "}", "can't be guessed from c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, ... (400 in all): name them");

    [Test]
    public void StsWithoutScores() => Refused(
        PreparedRows.Sts, "rows.jsonl", """{"sentence1": "a", "sentence2": "b"}""", "the sentences and score of FILE can't be guessed from sentence1, sentence2: name the columns");

    [Test]
    public void ParquetWithAMissingColumn()
    {
        string path = _prepared.Folder.Path("rows.parquet");
        ParquetFile.WriteTexts(path, ["premise", "hypothesis"], [["a"], ["b"]]);

        Assert.That(
            () => Prepared.Run(new PreparationOptions { Inputs = [path], Output = _prepared.Output(), Rows = PreparedRows.Labelled, LabelColumn = "gold" }),
            Refusal.Saying($"{path} has no column 'gold': it has premise, hypothesis"));
    }

    [Test]
    public void ParquetOfTripletsWithoutTheirPositives()
    {
        string path = _prepared.Folder.Path("rows.parquet");
        ParquetFile.WriteTexts(path, ["anchor", "negative"], [["a"], ["b"]]);

        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", path), Refusal.Saying($"which columns of {path} are the texts can't be guessed from anchor, negative: name them"));
    }

    [Test]
    public void AMissingInput() => Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", "none.tsv"), Refusal.Saying("the data file none.tsv does not exist"));

    [Test]
    public void AnInputWithoutAName() => Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", ""), Throws.TypeOf<InputException>());

    [Test]
    public void ASecondInputThatIsWrongBeforeTheFirstIsRead()
    {
        string good = _prepared.Folder.Write("good.tsv", "anchor\tpositive\na\tb\n");

        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", good, "none.tsv"), Refusal.Saying("the data file none.tsv does not exist"));
    }

    [TestCase("out.txt.zip")]
    [TestCase("out.json")]
    [TestCase("out.parquet.gz")]
    [TestCase("out")]
    public void AnOutputOfNoKnownFormat(string name)
    {
        string input = _prepared.Folder.Write("rows.tsv", "anchor\tpositive\na\tb\n");

        Assert.That(() => _prepared.Run(PreparedRows.Pairs, name, input), Refusal.Saying($"the format of {_prepared.Output(name)} can't be told from its name: use .tsv, .csv or .jsonl"));
    }

    [Test]
    public void AnOutputThatIsAnInput()
    {
        string input = _prepared.Folder.Write("rows.tsv", "anchor\tpositive\na\tb\n");

        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "rows.tsv", input), Refusal.Saying($"{input} is an input and can't be the output too"));
    }

    /// <summary>A link is written through, so it would take the input's place.</summary>
    [Test]
    public void AnOutputThatLeadsToAnInput()
    {
        string input = _prepared.Folder.Write("data/rows.tsv", "anchor\tpositive\na\tb\n");
        string zip = _prepared.Zip("rows.zip", ("rows_train.tsv", "anchor\tpositive\na\tb\n"));
        string link = _prepared.Folder.Path("link.tsv");
        string linkToZip = _prepared.Folder.Path("zip.tsv");
        File.CreateSymbolicLink(link, input);
        File.CreateSymbolicLink(linkToZip, zip);
        Directory.CreateSymbolicLink(_prepared.Folder.Path("folder"), _prepared.Folder.Path("data"));

        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "link.tsv", input), Refusal.Saying($"{input}, which {link} leads to, is an input and can't be the output too"));
        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "folder/rows.tsv", input), Refusal.Saying($"{input}, which {_prepared.Output("folder/rows.tsv")} leads to, is an input"));
        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "data/rows.tsv", link), Refusal.Saying($"{link}, which {input} leads to, is an input"));
        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "zip.tsv", zip), Refusal.Saying($"{zip}, which {linkToZip} leads to, is an input"));
        Assert.That(File.ReadAllText(input), Is.EqualTo("anchor\tpositive\na\tb\n"));
    }

    /// <summary>A hard link is another name of the same content: the output takes that name, and the input keeps its content.</summary>
    [Test]
    [Platform(Exclude = "Win", Reason = "made with ln")]
    public void AnOutputThatIsAHardLinkToAnInputLeavesTheInputAsItIs()
    {
        string input = _prepared.Folder.Write("rows.tsv", "anchor\tpositive\na\tb\n\n");
        System.Diagnostics.Process.Start("ln", [input, _prepared.Output("other.tsv")]).WaitForExit();
        Assert.That(File.Exists(_prepared.Output("other.tsv")));

        _prepared.Run(PreparedRows.Pairs, "other.tsv", input);

        Assert.That(File.ReadAllText(input), Is.EqualTo("anchor\tpositive\na\tb\n\n"));
        Assert.That(File.ReadAllText(_prepared.Output("other.tsv")), Is.EqualTo("anchor\tpositive\na\tb\n"));
    }

    [Test]
    public void AnUnknownSplit() => Assert.That(
        () => Prepared.Run(new PreparationOptions { Inputs = ["x"], Output = _prepared.Output(), Rows = PreparedRows.Pairs, Split = "dev2" }),
        Refusal.Saying("the split is 'dev2', but has to be train, dev (or validation) or test"));

    /// <summary>After the first rows were written the same faults are failures; the file that was there before stays.</summary>
    [Test]
    public void AFaultBehindManyRowsLeavesTheFormerFile()
    {
        string before = _prepared.Folder.Write("out.tsv", "as it was");
        string input = _prepared.Folder.Write("rows.tsv", "premise\thypothesis\tlabel\n" + string.Concat(Enumerable.Repeat("a\tb\t0\n", 10_000)) + "c\td\t7\n");

        Assert.That(
            () => _prepared.Run(PreparedRows.Pairs, "out.tsv", input),
            Throws.TypeOf<PreparationException>().With.Message.StartsWith($"{input}, line 10002: the label is '7'"));
        Assert.That(File.ReadAllText(before), Is.EqualTo("as it was"));
        Assert.That(Directory.GetFiles(_prepared.Folder.Root), Has.Length.EqualTo(2));
    }

    [Test]
    public void OneThatIsStoppedLeavesNothing()
    {
        string input = _prepared.Folder.Write("rows.tsv", "anchor\tpositive\na\tb\n");
        PreparationOptions options = new() { Inputs = [input], Output = _prepared.Output(), Rows = PreparedRows.Pairs };

        Assert.That(() => Prepared.Run(options, new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Directory.GetFiles(_prepared.Folder.Root), Is.EqualTo([input]));
    }

    private void Refused(PreparedRows rows, string name, string text, string message)
    {
        string input = _prepared.Folder.Write(name, text);

        Assert.That(() => _prepared.Run(rows, "out.tsv", input), Refusal.Saying(message.Replace("FILE", input, StringComparison.Ordinal)));
        Assert.That(Directory.GetFiles(_prepared.Folder.Root), Is.EqualTo([input]));
    }
}
