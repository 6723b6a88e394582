using MnrEngine.Data;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data;

public sealed class StsDatasetTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [TestCase("a.csv", "\"A, b.\",c,5.0\nd,e,2.5\n")]
    [TestCase("a.csv", "sentence1,sentence2,score\n\"A, b.\",c,5.0\nd,e,2.5\n")]
    [TestCase("a.tsv", "score\tsplit\tsentence1\tsentence2\n5\tdev\tA, b.\tc\n\n2.5\tdev\td\te\n")]
    [TestCase("a.jsonl", "{\"sentence1\": \"A, b.\", \"sentence2\": \"c\", \"label\": 5}\n{\"sentence1\": \"d\", \"sentence2\": \"e\", \"label\": \"2.5\"}\n")]
    public void PairsAndScoresAreReadFromEveryFormat(string name, string text)
    {
        StsDataset pairs = StsDataset.Load(new DatasetSource(_folder.Write(name, text)), scale: 5);
        Assert.That(pairs.Sentences1, Is.EqualTo(["A, b.", "d"]));
        Assert.That(pairs.Sentences2, Is.EqualTo(["c", "e"]));
        Assert.That(pairs.Scores, Is.EqualTo([1.0, 0.5]));
    }

    [Test]
    public void TheBenchmarksOwnFilesAreReadByPosition()
    {
        string path = _folder.Write("sts-dev.csv", "main-captions\tMSRvid\t2012test\t0000\t5.000\tA man.\tA \"man\".\tmore\nmain-captions\tMSRvid\t2012test\t0002\t4.750\tB.\tC.\n");
        StsDataset pairs = StsDataset.Load(new DatasetSource(path) { Format = DataFormat.Tsv, Columns = ["5", "6", "4"] });
        Assert.That(pairs.Sentences2, Is.EqualTo(["A \"man\".", "C."]));
        Assert.That(pairs.Scores, Is.EqualTo([5, 4.75]));
    }

    [TestCase("a,b,1\nc,d,high\n", "FILE, line 2: the score is 'high', but must be a number")]
    [TestCase("a,b,similarity\nc,d,1\n", "FILE, line 1: the score is 'similarity', but must be a number")]
    [TestCase("a,b,1\nc,d,nan\n", "FILE, line 2: the score is 'nan', but must be a number")]
    [TestCase("a,b,1\nc,d,\"1,5\"\n", "FILE, line 2: the score is '1,5', but must be a number")]
    [TestCase("a,b,1\nc,d,\n", "FILE, line 2: the score is '', but must be a number")]
    [TestCase("a,b,1\nc,d,9\n", "FILE, line 2: the score is 9, but has to be from 0 to 5; where scores go higher, score_scale (--score-scale) names the highest")]
    [TestCase("a,b,-1\nc,d,1\n", "FILE, line 1: the score is -1, but has to be from 0 to 5; where scores go higher, score_scale (--score-scale) names the highest")]
    [TestCase("a,b,1\nc,d\n", "FILE, line 2: found 2 columns, but the first line has 3")]
    [TestCase("a,b\n", "FILE has no column 2, counted from 0: its first line has 2")]
    [TestCase("sentence1,sentence2\na,b\n", "the sentences and score of FILE can't be guessed from sentence1, sentence2: name the columns")]
    [TestCase("a,b,1\n", "FILE has 1 pair, but a correlation needs at least 2")]
    [TestCase("sentence1,sentence2,score\n", "FILE has 0 pairs, but a correlation needs at least 2")]
    public void WhatIsWrongIsSaidInOneSentence(string text, string message)
    {
        string path = _folder.Write("sts.csv", text);
        Assert.That(
            () => StsDataset.Load(new DatasetSource(path)),
            Throws.TypeOf<InputException>().With.Message.EqualTo(message.Replace("FILE", path, StringComparison.Ordinal)));
    }

    [Test]
    public void TheScaleIsTheHighestScore()
    {
        string path = _folder.Write("sts.csv", "a,b,9\nc,d,0\n");

        Assert.That(StsDataset.Load(new DatasetSource(path), scale: 10).Scores, Is.EqualTo([0.9, 0]));
        Assert.That(() => StsDataset.Load(new DatasetSource(path), scale: 8), Refusal.Saying("line 1: the score is 9, but has to be from 0 to 8"));
    }

    [TestCase(0)]
    [TestCase(-5)]
    [TestCase(double.NaN)]
    public void TheScaleMustBePositive(double scale) =>
        Assert.That(() => StsDataset.Load(new DatasetSource("sts.csv"), scale), Throws.TypeOf<InputException>().With.Message.Contains("must be a positive number"));

    [Test]
    public void ThreeColumnsAreNeeded() =>
        Assert.That(
            () => StsDataset.Load(new DatasetSource("sts.csv") { Columns = ["a", "b"] }),
            Throws.TypeOf<InputException>().With.Message.EqualTo("2 columns of sts.csv are named, but an STS file needs 3: two sentences and a score"));
}
