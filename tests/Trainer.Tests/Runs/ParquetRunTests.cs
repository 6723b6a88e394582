using System.Text.Json.Nodes;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>The hub's files, as they are, through the commands that read data.</summary>
public sealed class ParquetRunTests
{
    [Test]
    public void APatternOfPartsIsOneDataSet()
    {
        using TinyRun run = new();
        foreach (string part in (string[])["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"])
        {
            File.WriteAllBytes(run.Folder.File(part), File.ReadAllBytes(Fixtures.Path("data", "all-nli-triplet.parquet")));
        }

        run.Config["data"] = new JsonObject { ["files"] = "train-*.parquet", ["columns"] = new JsonArray("anchor", "positive") };
        run.Config["max_steps"] = 2;

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("training: 2,000 rows").And.Contain("train-00001-of-00002.parquet: 1,000 rows, 1,000 kept"));
    }

    [Test]
    public void AColumnOfItIsEmbedded()
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run(
            "encode", Fixtures.Path("models", "tiny-bert"), Fixtures.Path("data", "all-nli-pair.parquet"), "--column", "positive", "-o", folder.File("out.jsonl"));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(File.ReadLines(folder.File("out.jsonl")).Count(), Is.EqualTo(1_047));
    }

    [Test]
    public void AMissingColumnIsNamedBeforeAnythingIsWritten()
    {
        using TinyRun run = new();
        run.Config["data"] = new JsonObject { ["files"] = Fixtures.Path("data", "all-nli-pair.parquet"), ["columns"] = new JsonArray("anchor", "negative") };

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.StartWith("error: ").And.Contain("all-nli-pair.parquet has no column 'negative': it has anchor, positive"));
        Assert.That(Directory.Exists(run.Output), Is.False);
    }
}
