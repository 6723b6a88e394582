using System.IO.Compression;
using System.Text;
using MnrEngine.Data.Preparation;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data.Preparation;

/// <summary>Zip files as publishers ship them, and as those make them who mean harm.</summary>
public sealed class ZipInputTests
{
    private const string Row = """{"gold_label": "entailment", "sentence1": "p", "sentence2": "h"}""" + "\n";

    private Prepared _prepared = null!;

    [SetUp]
    public void MakeFolder() => _prepared = new Prepared();

    [TearDown]
    public void DeleteFolder() => _prepared.Dispose();

    [Test]
    public void SnlisZipIsReadForOneSplitAndOnce()
    {
        string zip = _prepared.Zip(
            "snli_1.0.zip",
            ("snli_1.0/", ""), ("snli_1.0/.DS_Store", "x"), ("__MACOSX/snli_1.0/._snli_1.0_train.jsonl", "x"), ("snli_1.0/README.txt", "about"),
            ("snli_1.0/snli_1.0_dev.jsonl", Row + Row), ("snli_1.0/snli_1.0_train.jsonl", Row), ("snli_1.0/snli_1.0_train.txt", "gold_label\tsentence1\tsentence2\nneutral\ta\tb\n"));

        PreparationReport report = _prepared.Run(PreparedRows.Pairs, "out.tsv", zip);

        Assert.That(report.Sources.Select(static s => s.Name), Is.EqualTo([$"{zip}:snli_1.0/snli_1.0_train.jsonl"]));
        Assert.That(_prepared.Rows(), Is.EqualTo(["p|h"]));
    }

    [Test]
    public void GluesZipHasTheSameRowsDeeperDown()
    {
        string table = "index\tsentence1\tsentence2\tgold_label\n0\ta\tb\tentailment\n";
        string zip = _prepared.Zip("MNLI.zip", ("MNLI/original/multinli_1.0_train.jsonl", Row), ("MNLI/train.tsv", table), ("MNLI/dev_matched.tsv", table), ("MNLI/dev_mismatched.tsv", table));

        _prepared.Run(PreparedRows.Pairs, "out.tsv", zip);
        PreparationReport dev = Prepared.Run(new PreparationOptions { Inputs = [zip], Output = _prepared.Output("dev.tsv"), Rows = PreparedRows.Pairs, Split = "dev" });

        Assert.That(_prepared.Rows(), Is.EqualTo(["a|b"]));
        Assert.That(dev.Sources.Select(static s => s.Name), Is.EqualTo([$"{zip}:MNLI/dev_matched.tsv", $"{zip}:MNLI/dev_mismatched.tsv"]));
    }

    [TestCase("../train.jsonl")]
    [TestCase("data/../../train.jsonl")]
    [TestCase("/etc/train.jsonl")]
    [TestCase("..\\train.jsonl")]
    [TestCase("C:\\train.jsonl")]
    public void AnEntryThatPointsOutside(string entry)
    {
        string zip = _prepared.Zip("data.zip", ("train.jsonl", Row), (entry, Row));

        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", zip), Refusal.Saying($"{zip} has an entry '{entry}' that points outside of it, so the whole file is refused"));
        Assert.That(File.Exists(_prepared.Output()), Is.False);
    }

    [Test]
    public void ABombThatSaysSo()
    {
        string zip = Bomb();

        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", zip), Refusal.Saying($"{zip}:train.jsonl unpacks to more than 100 times its size, as no data does: it may be a zip bomb"));
    }

    /// <summary>What an entry claims to unpack to proves nothing.</summary>
    [Test]
    public void ABombThatDoesNot()
    {
        string zip = Bomb();
        byte[] bytes = File.ReadAllBytes(zip);
        byte[] size = BitConverter.GetBytes(BombLength);
        for (int at; (at = bytes.AsSpan().IndexOf(size)) >= 0;)
        {
            BitConverter.TryWriteBytes(bytes.AsSpan(at), 1_000);
        }

        File.WriteAllBytes(zip, bytes);

        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", zip), Refusal.Saying($"{zip}:train.jsonl"));
        Assert.That(File.Exists(_prepared.Output()), Is.False);
    }

    [Test]
    public void MoreThanIsAllowedInAll()
    {
        string zip = _prepared.Zip("data.zip", ("train-1.jsonl", Row), ("train-2.jsonl", Row));

        Assert.That(
            () => ZipInput.Entries(zip, "train", new ZipLimits(Ratio: 100, FreeBytes: 1_000, TotalBytes: Row.Length + 1)),
            Refusal.Saying($"what is to be read of {zip} unpacks to", "that are allowed: it may be a zip bomb"));
    }

    [Test]
    public void DamageIsNoticed()
    {
        string rows = string.Concat(Enumerable.Range(0, 2_000).Select(static i => Row.Replace("\"p\"", $"\"p {i * 7919 % 2_003}\"", StringComparison.Ordinal)));
        string zip = _prepared.Zip("data.zip", ("train.jsonl", rows));
        byte[] whole = File.ReadAllBytes(zip);
        int refused = 0;
        for (int at = 60; at < whole.Length - 120; at += whole.Length / 40)
        {
            byte[] bytes = [.. whole];
            bytes[at] ^= 0x55;
            File.WriteAllBytes(zip, bytes);
            Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", zip), Throws.InstanceOf<InputException>().Or.InstanceOf<PreparationException>(), $"byte {at}");
            Assert.That(File.Exists(_prepared.Output()), Is.False);
            refused++;
        }

        Assert.That(refused, Is.GreaterThan(30));
    }

    [TestCase(0)]
    [TestCase(10)]
    [TestCase(100)]
    public void AFileThatIsNoZipOrCutShort(int length)
    {
        string zip = _prepared.Zip("data.zip", ("train.jsonl", Row));
        File.WriteAllBytes(zip, File.ReadAllBytes(zip)[..length]);

        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", zip), Refusal.Saying($"the zip file {zip} can't be read, so it may be damaged"));
    }

    [Test]
    public void OneWithoutTheSplitOrWithoutData()
    {
        string other = _prepared.Zip("other.zip", ("dev.jsonl", Row));
        string none = _prepared.Zip("none.zip", ("README.md", "x"));
        string parquet = _prepared.Zip("parquet.zip", ("train.parquet", "PAR1"));

        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", other), Refusal.Saying($"{other} has no file of the train split: it has dev.jsonl"));
        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", none), Refusal.Saying($"{none} has no .parquet, .jsonl"));
        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", parquet), Refusal.Saying($"{parquet}:train.parquet is Parquet in a zip file"));
        Assert.That(() => _prepared.Run(PreparedRows.Pairs, "out.tsv", "missing.zip"), Refusal.Saying("the data file missing.zip does not exist"));
    }

    private const int BombLength = 40_000_003;

    private string Bomb()
    {
        string path = _prepared.Folder.Path("bomb.zip");
        using ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Create);
        using Stream stream = archive.CreateEntry("train.jsonl", CompressionLevel.Optimal).Open();
        stream.Write(Encoding.UTF8.GetBytes(Row));
        stream.Write(new byte[BombLength - Row.Length]);
        return path;
    }
}
