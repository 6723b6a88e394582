using MnrEngine.Data;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data;

/// <summary>Which files a path means.</summary>
public sealed class DataFilesTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void AFileIsItselfWhetherItExistsOrNot()
    {
        string there = _folder.Write("a.tsv", "");

        Assert.That(DataFiles.Find(there), Is.EqualTo([there]));
        Assert.That(DataFiles.Find("nowhere.tsv"), Is.EqualTo(["nowhere.tsv"]));
    }

    [Test]
    public void APatternMeansItsMatchesInTheOrderOfTheirNames()
    {
        Make("train-00001-of-00002.parquet", "train-00000-of-00002.parquet", "dev-00000-of-00001.parquet", "deep/train-x.parquet");

        Assert.That(Found("train-*.parquet"), Is.EqualTo(["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]));
        Assert.That(Found("**/train-*.parquet"), Is.EqualTo(["deep/train-x.parquet", "train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]));
    }

    [Test]
    public void APatternWithoutAMatchIsRefused()
    {
        Assert.That(() => Found("train-*.parquet"), Refusal.Saying("no file matches ", "train-*.parquet"));
        Assert.That(() => Found("none/*.parquet"), Refusal.Saying("no file matches ", "*.parquet"));
    }

    [TestCase("train", "train-00000-of-00002.parquet", "train-00001-of-00002.parquet")]
    [TestCase("validation", "dev-00000-of-00001.parquet")]
    [TestCase("test", "test-00000-of-00001.parquet")]
    public void AFolderMeansTheFilesOfOneSplit(string split, params string[] files)
    {
        Make("train-00001-of-00002.parquet", "train-00000-of-00002.parquet", "dev-00000-of-00001.parquet", "test-00000-of-00001.parquet", "README.md", ".hidden-train.parquet");

        Assert.That(Found("", split), Is.EqualTo(files));
    }

    [Test]
    public void PublishersFoldersHaveEachRowTwiceAndItIsReadOnce()
    {
        Make("snli_1.0_train.jsonl", "snli_1.0_train.txt", "snli_1.0_dev.jsonl", "snli_1.0_dev.txt", "README.txt", "Icon");

        Assert.That(Found(""), Is.EqualTo(["snli_1.0_train.jsonl"]));
    }

    [Test]
    public void WhereNoNameTellsASplitAllFilesAreMeant()
    {
        Make("part1.tsv", "part2.tsv.gz", "notes.txt", "dataset_infos.json");

        Assert.That(Found(""), Is.EqualTo(["part1.tsv", "part2.tsv.gz"]));
    }

    [Test]
    public void AFolderWithoutTheSplitIsRefused()
    {
        Make("train.tsv", "dev.tsv");

        Assert.That(() => Found("", "test"), Refusal.Saying(_folder.Root, "has no file of the test split: it has dev.tsv, train.tsv"));
    }

    [Test]
    public void AFolderWithoutDataIsRefused()
    {
        Make("README.md");

        Assert.That(() => Found(""), Refusal.Saying(_folder.Root, "has no .parquet, .jsonl, .tsv, .csv or .txt file"));
    }

    private void Make(params string[] names)
    {
        foreach (string name in names)
        {
            _folder.Write(name, "");
        }
    }

    private string[] Found(string pattern, string split = "train") =>
        [.. DataFiles.Find(_folder.Path(pattern), split).Select(file => Path.GetRelativePath(_folder.Root, file).Replace('\\', '/'))];
}
