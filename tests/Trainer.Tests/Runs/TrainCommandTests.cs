using System.Text.Json.Nodes;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Runs;

public sealed class TrainCommandTests
{
    [Test]
    public void ARunLeavesModelMetricsChartEventsAndItsConfig()
    {
        using TinyRun run = new();
        run.Config["evaluation"] = new JsonObject { ["sts"] = WriteSts(run), ["every_steps"] = 4 };

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.Multiple(() =>
        {
            Assert.That(Directory.GetFileSystemEntries(run.Output).Select(Path.GetFileName), Is.EquivalentTo(["model", "metrics.jsonl", "chart.png", "tensorboard", "eval", "config.json"]));
            Assert.That(run.Steps().Select(static step => (int)step["step"]!), Is.EqualTo(Enumerable.Range(1, 10)));
            Assert.That(run.Evaluations().Select(static evaluation => (int)evaluation["step"]!), Is.EqualTo([0, 4, 8, 10]));
            Assert.That(File.ReadAllLines(Path.Combine(run.Output, "eval", "similarity_evaluation_dev_results.csv")), Has.Length.EqualTo(5));
        });
    }

    [Test]
    public void TheLastLinesSayHowGoodTheModelBecameAndWhereItIs()
    {
        using TinyRun run = new();
        run.Config["evaluation"] = new JsonObject { ["sts"] = WriteSts(run) };

        Outcome outcome = run.Train();

        string[] lines = outcome.Output.TrimEnd().Split(Environment.NewLine);
        string before = ((double)run.Evaluations()[0]["dev_spearman_cosine"]!).ToString("0.0000");
        string after = ((double)run.Evaluations()[^1]["dev_spearman_cosine"]!).ToString("0.0000");
        Assert.That(lines[^2], Is.EqualTo($"dev spearman_cosine: before {before}, after {after}"));
        Assert.That(lines[^1], Does.StartWith("the model is in ").And.EndWith(Path.Combine("out", "model")));
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "the card's command is quoted for a POSIX shell")]
    public void TheCommandInTheModelsCardWorks()
    {
        using TinyRun run = new();
        Assert.That(run.Train().ExitCode, Is.Zero);
        string model = Path.Combine(run.Output, "model");
        string command = File.ReadLines(Path.Combine(model, "README.md")).Single(static line => line.StartsWith("MnrEngine ", StringComparison.Ordinal));
        string[] arguments = [.. command.Split('"', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

        Outcome outcome = Program.Run([.. arguments[0].Split(' ')[1..].Select(word => word == "path/to/this/folder" ? model : word), .. arguments[1..]]);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(double.Parse(outcome.Output), Is.InRange(-1, 1));
    }

    [TestCase("fit-tiny-bert", "adamw")]
    [TestCase("article-tiny-bert", "adam")]
    public void ReplaysAnotherTrainersRunStepByStep(string recorded, string optimizer)
    {
        using TinyRun run = new(recorded);
        JsonArray expected = run.Recorded["steps"]!.AsArray();
        run.Config.Remove("max_steps");
        run.Config["data"] = new JsonObject { ["files"] = "pairs.jsonl", ["batches"] = Fixtures.Path("training", $"{recorded}.json") };
        run.Config["epochs"] = expected.Count / run.Recorded["batches"]!.AsArray().Count;
        run.Config["optimizer"] = optimizer;
        run.Config["learning_rate"] = run.Recorded["lr"]!.DeepClone();
        run.Config["weight_decay"] = run.Recorded["weight_decay"]?.DeepClone() ?? 0;
        run.Config["max_grad_norm"] = run.Recorded["max_grad_norm"]?.DeepClone();
        run.Config["warmup_steps"] = run.Recorded["warmup_steps"]!.DeepClone();
        run.Config["schedule_steps"] = run.Recorded["schedule_steps"]!.DeepClone();
        run.Config["loss"] = new JsonObject { ["scale"] = run.Recorded["scale"]!.DeepClone() };
        run.Config["dropout"] = 0;

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        List<JsonObject> steps = run.Steps();
        Assert.That(steps, Has.Count.EqualTo(expected.Count));
        Assert.Multiple(() =>
        {
            foreach ((JsonObject step, JsonNode? reference) in steps.Zip(expected))
            {
                Assert.That((double)step["loss"]!, Is.EqualTo((double)reference!["loss"]!).Within(1e-3).Percent, $"loss of step {step["step"]}");
                Assert.That((double)step["lr"]!, Is.EqualTo((double)reference["lr"]!).Within(1e-12), $"lr of step {step["step"]}");
            }
        });
    }

    [Test]
    public void AWarmupAsLongAsTheRunIsPointedOut()
    {
        using TinyRun run = new();

        Outcome outcome = run.Train("--set", "recipe=fit");

        Assert.That(outcome.Output, Does.Contain("note: the warm-up of 10,000 steps is as long as the run"), outcome.Error);
    }

    [Test]
    public void AnOutputFolderThatIsNotEmptyIsRefusedAndLeftAsItIs()
    {
        using TinyRun run = new();
        string note = run.Folder.Write(Path.Combine("out", "note.txt"), "mine");

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.StartWith("error: the output folder ").And.Contain("is not empty"));
        Assert.That(Directory.GetFileSystemEntries(run.Output), Is.EqualTo([note]));
    }

    [Test]
    public void OverwriteReplacesAnEarlierRunAndNothingElse()
    {
        using TinyRun run = new();
        run.Config["checkpoints"] = new JsonObject { ["every_steps"] = 3 };
        Assert.That(run.Train().ExitCode, Is.Zero);
        string note = run.Folder.Write(Path.Combine("out", "note.txt"), "mine");

        Outcome outcome = run.Train("--set", "overwrite=true", "--set", "max_steps=2");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(run.Steps(), Has.Count.EqualTo(2));
        Assert.That(Directory.Exists(Path.Combine(run.Output, "checkpoints")), Is.False);
        Assert.That(File.ReadAllText(note), Is.EqualTo("mine"));
    }

    [Test]
    public void WhatIsWrongWithTheInputsIsFoundBeforeAnEarlierRunIsTouched()
    {
        using TinyRun run = new();
        Assert.That(run.Train().ExitCode, Is.Zero);
        string metrics = File.ReadAllText(Path.Combine(run.Output, "metrics.jsonl"));

        Outcome outcome = run.Train("--set", "overwrite=true", "--set", "data=missing.tsv");

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain("missing.tsv"));
        Assert.That(File.ReadAllText(Path.Combine(run.Output, "metrics.jsonl")), Is.EqualTo(metrics));
    }

    /// <summary>Each step multiplies the weights by a million less one, which no rounding saves from overflowing.</summary>
    [Test]
    public void ALossThatIsNoNumberEndsTheRunWithExitCode1()
    {
        using TinyRun run = new();

        Outcome outcome = run.Train("--set", "learning_rate=1000", "--set", "weight_decay=1000", "--set", "max_steps=20");

        Assert.That(outcome.ExitCode, Is.EqualTo(1), outcome.Output);
        Assert.That(outcome.Error, Does.StartWith("error: step ").And.Contain("learning_rate"));
    }

    [TestCase("batch_size=100000", "batch")]
    [TestCase("model=missing-model", "missing-model")]
    [TestCase("model.max_seq_length=100000", "positions")]
    [TestCase("resume=true", "there is no checkpoint")]
    [TestCase("data.columns=[\"anchor\",\"question\"]", "question")]
    [TestCase("data.limit=1", "batch")]
    public void AWrongInputIsOneSentenceAndExitCode2(string setting, string named)
    {
        using TinyRun run = new();
        run.Config["drop_last"] = true;

        Outcome outcome = run.Train("--set", setting);

        Assert.That(outcome.ExitCode, Is.EqualTo(2), outcome.Output);
        Assert.That(outcome.Error, Does.StartWith("error: ").And.Contain(named));
        Assert.That(outcome.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(Directory.Exists(run.Output), Is.False);
    }

    /// <summary>The recipe asks for 128 tokens; who wrote the config did not.</summary>
    [Test]
    public void ARecipeThatAsksForMoreTokensThanAModelReadsSaysSo()
    {
        using TinyRun run = new();
        run.Config["recipe"] = "article";
        run.Config["model"] = run.Config["model"]!["path"]!.DeepClone();
        string model = (string)run.Config["model"]!;

        Outcome recipe = run.Train();
        Outcome own = run.Train("--set", "model.max_seq_length=100");

        Assert.That(recipe.ExitCode, Is.EqualTo(2));
        Assert.That(recipe.Error.TrimEnd(), Is.EqualTo($"error: the recipe article cuts sentences at 128 tokens, but {model} has only 64 positions: set model.max_seq_length to 64 or less"));
        Assert.That(own.Error.TrimEnd(), Is.EqualTo($"error: model.max_seq_length is 100, but {model} has only 64 positions"));
        Assert.That(run.Train("--set", "model.max_seq_length=64").ExitCode, Is.Zero);
    }

    [Test]
    public void AFileInTheModelsPlaceIsFoundBeforeTheRun()
    {
        using TinyRun run = new();
        run.Config["overwrite"] = true;
        run.Folder.Write("out/model", "a file");

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain("is a file, but the trained model becomes a folder of that name"));
    }

    /// <summary>The place of the model is a link into /proc, which nothing can be written to: that shows only when the run is over.</summary>
    [Test]
    [Platform("Linux")]
    public void AModelThatCanNotBeSavedInItsPlaceIsSavedInAnother()
    {
        using TinyRun whole = new();
        Assert.That(whole.Train().ExitCode, Is.Zero);
        using TinyRun run = new();
        run.Config["overwrite"] = true;
        Directory.CreateDirectory(run.Output);
        File.CreateSymbolicLink(Path.Combine(run.Output, "model"), "/proc/no/such/model");
        Directory.CreateDirectory(run.Output + "-model");

        Outcome outcome = run.Train();

        string instead = run.Output + "-model-2";
        Assert.That(outcome.ExitCode, Is.EqualTo(1), outcome.Error);
        Assert.That(outcome.Error, Does.Contain("can't be written").And.Contain($"; the run trained to the end, and its model was saved in {instead} instead"));
        Assert.That(outcome.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(File.ReadAllBytes(Path.Combine(instead, "model.safetensors")), Is.EqualTo(whole.Weights()));
        Assert.That(Directory.GetFileSystemEntries(run.Output + "-model"), Is.Empty, "what was there is not touched");
    }

    /// <summary>The folder of checkpoints turns out to be one that can't be written; the steps until then are not lost.</summary>
    [Test]
    [Platform("Linux")]
    public void ARunThatCanNotWriteOnSavesWhatItHas()
    {
        using TinyRun run = new();
        run.Config["checkpoints"] = JsonNode.Parse("""{ "every_steps": 3 }""");
        run.Config["overwrite"] = true;
        Directory.CreateDirectory(run.Output);
        File.CreateSymbolicLink(Path.Combine(run.Output, "checkpoints"), "/proc/no/such/folder");

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.EqualTo(1));
        Assert.That(outcome.Error, Does.Contain($"; the run stopped after step 3, and its model was saved in {run.Output}-model instead"));
        Assert.That(File.Exists(Path.Combine(run.Output + "-model", "model.safetensors")));
    }

    [Test]
    public void AnOutputFolderThatCanNotBeMadeIsNamed()
    {
        using TinyRun run = new();
        run.Folder.Write("out", "a file");

        Outcome outcome = run.Train();

        Assert.That((outcome.ExitCode, outcome.Error), Is.EqualTo((2, $"error: output {run.Output} is a file, but has to be a folder{Environment.NewLine}")));
    }

    [Test]
    public void ASentenceOf100000WordsIsCutAndCounted()
    {
        using TinyRun run = new();
        File.AppendAllText(run.Folder.File("pairs.jsonl"), "\n" + new JsonObject { ["anchor"] = string.Join(' ', Enumerable.Repeat("word", 100_000)), ["positive"] = "a long one" }.ToJsonString());

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Match(@"[1-9]\d* sentences cut at the maximum length"));
    }

    [Test]
    public void ALargeDataSetIsTrainedOnWhileItIsTokenised()
    {
        using TinyRun run = new();
        run.Folder.Write("pairs.tsv", "anchor\tpositive\n" + string.Concat(Enumerable.Range(0, 40_000).Select(static i => $"{i} dogs run in the park\t{i} people sit and eat\n")));
        run.Config["data"] = "pairs.tsv";

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("training: 40,000 rows; 10 steps of 2,500 an epoch"), "nothing is said yet of sentences that are cut");
        Assert.That(File.ReadAllText(Path.Combine(run.Output, "model", "README.md")), Does.Contain("0 dogs run in the park").And.Contain("40,000"));
    }

    [Test]
    public void ANewModelIsTrainedFromAVocabulary()
    {
        using TinyRun run = new();
        run.Config["model"] = new JsonObject
        {
            ["new"] = new JsonObject
            {
                ["vocabulary"] = Fixtures.Path("models", "tiny-bert", "vocab.txt"),
                ["hidden_size"] = 16,
                ["num_hidden_layers"] = 1,
                ["num_attention_heads"] = 2,
                ["intermediate_size"] = 32,
                ["max_position_embeddings"] = 40,
            },
            ["pooling"] = new JsonArray("cls", "mean"),
            ["normalize"] = true,
        };

        Outcome outcome = run.Train();
        Outcome similarity = Program.Run("similarity", Path.Combine(run.Output, "model"), "the same", "the same");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That((similarity.ExitCode, similarity.Output.Trim()), Is.EqualTo((0, "1.000000")));
    }

    internal static string WriteSts(TinyRun run)
    {
        JsonArray rows = run.Recorded["rows"]!.AsArray();
        IEnumerable<string> lines = Enumerable.Range(0, 40).Select(i => new JsonObject
        {
            ["sentence1"] = rows[i]![0]!.DeepClone(),
            ["sentence2"] = rows[i + (i % 3)]![1]!.DeepClone(),
            ["score"] = 5 - (i % 3) - (i * 0.01),
        }.ToJsonString());
        return run.Folder.Write("dev.jsonl", string.Join("\n", lines));
    }
}
