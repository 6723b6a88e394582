using MnrEngine.Hub;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Hub;

/// <summary>Which files are a subset's split: as Python's datasets library chooses them.</summary>
public sealed class DatasetChoiceTests
{
    /// <summary>sentence-transformers/all-nli's, shortened.</summary>
    private const string Card = """
        ---
        annotations_creators:
        - crowdsourced
        size_categories:
        - 100K<n<1M
        dataset_info:
        - config_name: pair
          features:
          - name: anchor
            dtype: string
          splits:
          - name: train
            num_bytes: 43012118
            num_examples: 314315
        configs:
        - config_name: pair
          data_files:
          - split: train
            path: pair/train-*
          - split: dev
            path: pair/dev-*
        - config_name: triplet
          data_files:
          - split: train
            path:
            - triplet/train-00000-of-00002.parquet
            - triplet/train-00001-of-00002.parquet
        ---
        # Dataset Card for AllNLI
        """;

    private static readonly string[] AllNli =
        ["README.md", ".gitattributes", "pair/dev-00000-of-00001.parquet", "pair/train-00000-of-00002.parquet", "pair/train-00001-of-00002.parquet", "triplet/train-00000-of-00002.parquet", "triplet/train-00001-of-00002.parquet"];

    [Test]
    public void ASubsetAndItsSplit()
    {
        Assert.That(Choose(AllNli, Card, "pair"), Is.EqualTo(["pair/train-00000-of-00002.parquet", "pair/train-00001-of-00002.parquet"]));
        Assert.That(Choose(AllNli, Card, "pair", "dev"), Is.EqualTo(["pair/dev-00000-of-00001.parquet"]));
        Assert.That(Choose(AllNli, Card, "pair", "validation"), Is.EqualTo(["pair/dev-00000-of-00001.parquet"]), "where there is no validation, dev is meant");
        Assert.That(Choose(AllNli, Card, "triplet"), Is.EqualTo(["triplet/train-00000-of-00002.parquet", "triplet/train-00001-of-00002.parquet"]));
    }

    [Test]
    public void ASubsetHasToBeNamedWhereNoneIsTheDefault() =>
        Assert.That(() => Choose(AllNli, Card), Refusal.Saying("the data set has the subsets pair, triplet, and none of them is its default; name one, as in \"owner/name:pair\""));

    /// <summary>sentence-transformers' data sets call their subsets after what they hold, so what is to be done with the rows tells which is meant.</summary>
    [Test]
    public void WhereNoneIsTheDefaultThePreferredOneIsTakenAndToldOf()
    {
        List<string> notes = [];
        IReadOnlyList<string> files = DatasetDownload.Choose(AllNli, Card, "the data set", "README.md", "owner/name", new DatasetWish(null, null, ["pairs", "triplet", "pair"]), notes.Add);

        Assert.That(files, Has.All.StartsWith("triplet/train-"));
        Assert.That(notes, Is.EqualTo(["owner/name has the subsets pair, triplet, and none of them is its default; triplet is taken, which is made for this (\"owner/name:triplet\" names it)"]));
    }

    [TestCase("configs:\n- config_name: pair\n  data_files: a.csv\n- config_name: y\n  default: true\n  data_files: b.csv\n", "b.csv", TestName = "The default comes before what is preferred")]
    [TestCase("configs:\n- config_name: only\n  data_files: a.csv\n", "a.csv", TestName = "The only one comes before what is preferred")]
    public void NothingIsGuessedWhereTheCardSaysIt(string yaml, string file)
    {
        List<string> notes = [];

        Assert.That(DatasetDownload.Choose(["README.md", "a.csv", "b.csv"], $"---\n{yaml}---\n", "it", "README.md", "owner/name", new DatasetWish(null, null, ["pair"]), notes.Add), Is.EqualTo([file]));
        Assert.That(notes, Is.Empty);
    }

    [TestCase("nyu-mll/glue", "nyu-mll/glue", "main", null, null)]
    [TestCase("nyu-mll/glue:mnli", "nyu-mll/glue", "main", "mnli", null)]
    [TestCase("nyu-mll/glue:mnli:validation_matched", "nyu-mll/glue", "main", "mnli", "validation_matched")]
    [TestCase("stanfordnlp/snli::test", "stanfordnlp/snli", "main", null, "test")]
    [TestCase("nyu-mll/glue@v2:mnli", "nyu-mll/glue", "v2", "mnli", null)]
    [TestCase("glue:20220301.en", "glue", "main", "20220301.en", null)]
    public void AReferenceNamesASubsetAndASplit(string text, string id, string revision, string? subset, string? split)
    {
        DatasetReference reference = DatasetReference.TryParse(text)!;

        Assert.That((reference.Repository.Id, reference.Repository.Revision, reference.Subset, reference.Split), Is.EqualTo((id, revision, subset, split)));
    }

    [TestCase(@"C:\data\rows")]
    [TestCase("C:rows")]
    [TestCase("a/b:")]
    [TestCase("a/b:c:")]
    [TestCase("a/b:c:d:e")]
    [TestCase("a/b:../c")]
    [TestCase("rows.tsv:x")]
    public void NoReferences(string text) => Assert.That(DatasetReference.TryParse(text), Is.Null);

    [Test]
    public void SubsetsAndSplitsThatAreNotThere()
    {
        Assert.That(() => Choose(AllNli, Card, "pairs"), Refusal.Saying("the data set has no subset pairs; it has pair, triplet"));
        Assert.That(() => Choose(AllNli, Card, "pair", "test"), Refusal.Saying("the subset pair of the data set has no split test; it has train, dev"));
        Assert.That(() => Choose(["train.csv"], "", "pair"), Refusal.Saying("the data set has no subset pair: it has no subsets at all"));
    }

    [TestCase("configs:\n- config_name: only\n  data_files: a.csv\n", "a.csv")]
    [TestCase("configs:\n- config_name: x\n  data_files: a.csv\n- config_name: default\n  data_files: b.csv\n", "b.csv")]
    [TestCase("configs:\n- config_name: x\n  data_files: a.csv\n- config_name: y\n  default: true\n  data_files: b.csv\n", "b.csv")]
    [TestCase("configs:\n- config_name: x\n  data_files:\n  - a.csv\n  - b.csv\n", "a.csv b.csv")]
    [TestCase("configs:\n- config_name: x\n  data_files: '*.csv'\n", "a.csv b.csv")]
    [TestCase("configs:\n- config_name: x\n  data_files: ./sub/**\n", "sub/c.csv sub/deep/d.csv")]
    [TestCase("configs:\n- config_name: x\n  data_dir: sub\n", "sub/c.csv sub/deep/d.csv")]
    [TestCase("configs:\n- config_name: x\n  data_dir: sub\n  data_files: c.csv\n", "sub/c.csv")]
    [TestCase("configs:\n- config_name: x\n  data_files:\n  - split: train\n    path: [b.csv, a.csv]\n", "b.csv a.csv")]
    [TestCase("license: mit\n", "a.csv b.csv sub/c.csv sub/deep/d.csv")]
    public void WaysToSayIt(string yaml, string files) =>
        Assert.That(Choose(["README.md", "a.csv", "b.csv", "sub/c.csv", "sub/deep/d.csv"], $"---\n{yaml}---\n"), Is.EqualTo(files.Split(' ')));

    [TestCase("data/train-00000-of-00001.parquet data/test-00000-of-00001-1a2b.parquet data/extra-00000-of-00001.parquet other.csv", "train", "data/train-00000-of-00001.parquet")]
    [TestCase("data/train-00000-of-00001.parquet data/test-00000-of-00001-1a2b.parquet other.csv", "test", "data/test-00000-of-00001-1a2b.parquet")]
    [TestCase("train/b.csv train/a.csv test/c.csv readme.txt", "train", "train/a.csv train/b.csv")]
    [TestCase("data/dev/c.csv data/train/a.csv", "validation", "data/dev/c.csv")]
    [TestCase("my-train-files/a.csv x.csv", "train", "my-train-files/a.csv")]
    [TestCase("train.csv dev.csv test.csv notes.csv", "validation", "dev.csv")]
    [TestCase("snli_1.0_train.jsonl snli_1.0_dev.jsonl snli_1.0_test.jsonl", "train", "snli_1.0_train.jsonl")]
    [TestCase("train_0.csv train_1.csv testing.csv", "test", "testing.csv")]
    [TestCase("constrain.csv eval.csv", "test", "eval.csv")]
    [TestCase("b.jsonl a.jsonl sub/c.jsonl", "train", "a.jsonl b.jsonl sub/c.jsonl")]
    [TestCase("a.jsonl.gz dataset_infos.json config.json .hidden.jsonl __meta__/x.jsonl", "train", "a.jsonl.gz")]
    [TestCase("a.csv b.csv description.txt", "train", "a.csv b.csv")]
    [TestCase("a.parquet a.csv", "train", "a.parquet")]
    public void NamesTellTheSplitWhereNoCardDoes(string paths, string split, string files) =>
        Assert.That(Choose(paths.Split(' '), "", null, split), Is.EqualTo(files.Split(' ')));

    [Test]
    public void NothingThatCanBeRead()
    {
        Assert.That(() => Choose(["README.md", "image.png"], ""), Refusal.Saying("the split train of the data set has files such as image.png, but files that can be read are needed (.parquet"));
        Assert.That(() => Choose(["README.md"], ""), Refusal.Saying("the data set holds no data files"));
        Assert.That(() => Choose(["data.arrow"], ""), Refusal.Saying("has files such as data.arrow"));
    }

    [TestCase("configs: yes\n", "is not a list of subsets")]
    [TestCase("configs:\n- data_files: a.csv\n", "is not a list of subsets")]
    [TestCase("configs:\n- config_name: x\n  data_files:\n  - split: train\n", "is not a list of subsets")]
    [TestCase("configs:\n- config_name: x\n  data_files:\n  - {split: a, path: a.csv}\n  - {split: a, path: b.csv}\n", "is not a list of subsets")]
    [TestCase("configs: [\n", "the YAML at the top of README.md can't be read")]
    [TestCase("a: &x 1\nb: *x\n", "aliases are not supported")]
    [TestCase("configs:\n- config_name: x\n  data_files: ../other/*.csv\n", "../other/*.csv, which is no pattern of files in the repository")]
    [TestCase("configs:\n- config_name: x\n  data_files: https://example.org/a.csv\n", "which is no pattern of files in the repository")]
    [TestCase("configs:\n- config_name: x\n  data_files: missing.csv\n", "the data file missing.csv, which is not there")]
    [TestCase("configs:\n- config_name: x\n  data_files: '*.json'\n", "has no files, but files that can be read are needed")]
    public void CardsThatAreWrong(string yaml, string sentence) => Assert.That(() => Choose(["a.csv", "b.csv"], $"---\n{yaml}---\n"), Refusal.Saying(sentence));

    [TestCase("*.csv", "a.csv", true)]
    [TestCase("*.csv", "sub/a.csv", false)]
    [TestCase("**/*.csv", "a.csv", true)]
    [TestCase("**/*.csv", "x/y/a.csv", true)]
    [TestCase("**", "x/y/a.csv", true)]
    [TestCase("data/**", "data/x/a.csv", true)]
    [TestCase("data/**", "database/a.csv", false)]
    [TestCase("*/a.csv", "x/a.csv", true)]
    [TestCase("*/a.csv", "x/y/a.csv", false)]
    [TestCase("a?.csv", "ab.csv", true)]
    [TestCase("a?.csv", "a/.csv", false)]
    [TestCase("[ab].csv", "b.csv", true)]
    [TestCase("[!ab].csv", "b.csv", false)]
    [TestCase("[!ab].csv", "c.csv", true)]
    [TestCase("[]x].csv", "].csv", true)]
    [TestCase("[.csv", "[.csv", true)]
    [TestCase("a[0-9].csv", "a7.csv", true)]
    [TestCase("a+.csv", "aa.csv", false)]
    [TestCase("*", ".hidden", false)]
    [TestCase(".*", ".hidden", true)]
    [TestCase("**/*", ".git/config", false)]
    [TestCase("*/x", "__cache__/x", false)]
    [TestCase("__*/x", "__cache__/x", true)]
    public void Patterns(string pattern, string path, bool matches) => Assert.That(DataFilePattern.TryParse("", pattern)!.Matches(path), Is.EqualTo(matches));

    [TestCase("a**")]
    [TestCase("../x")]
    [TestCase("hf://datasets/other/x")]
    public void NoPatterns(string pattern) => Assert.That(DataFilePattern.TryParse("", pattern), Is.Null);

    private static IReadOnlyList<string> Choose(string[] paths, string card, string? subset = null, string? split = null) =>
        DatasetDownload.Choose(paths, card, "the data set", "README.md", "owner/name", new DatasetWish(subset, split, []), static _ => { });
}
