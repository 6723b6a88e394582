using System.Text.Json;
using System.Text.Json.Nodes;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>Losses other than the default through the whole program.</summary>
public sealed class LossRunTests
{
    [TestCase("names")]
    [TestCase("numbers")]
    public void ASoftmaxRunOfAConfigIsTheReferences(string labels)
    {
        using TinyRun run = new();
        JsonElement recorded = Recorded("trainer-tiny-bert-softmax");
        string[] names = labels == "names" ? ["entailment", "neutral", "contradiction"] : ["0", "1", "2"];
        WritePairs(run, recorded, label => $"\"{names[label]}\"");
        run.Config["loss"] = new JsonObject { ["type"] = "SoftmaxLoss", ["num_labels"] = 3 };
        UseSettings(run, recorded);

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        AssertLosses(run, recorded);
        string card = File.ReadAllText(Path.Combine(run.Output, "model", "README.md"));
        Assert.That(card, Does.Contain("loss:SoftmaxLoss").And.Contain("concatenation_sent_difference"));
        Assert.That(Directory.GetFiles(Path.Combine(run.Output, "model"), "loss*"), Is.Empty, "a classifier in the model's folder");
    }

    [Test]
    public void AMatryoshkaRunOfAConfigIsTheReferences()
    {
        using TinyRun run = new();
        JsonElement recorded = Recorded("trainer-tiny-bert-matryoshka");
        JsonElement columns = recorded.GetProperty("columns");
        run.Folder.Write("pairs.jsonl", string.Join("\n", columns.GetProperty("anchor").EnumerateArray().Zip(columns.GetProperty("positive").EnumerateArray())
            .Select(static pair => new JsonObject { ["anchor"] = pair.First.GetString(), ["positive"] = pair.Second.GetString() }.ToJsonString())));
        run.Config["loss"] = new JsonObject { ["type"] = "MatryoshkaLoss", ["matryoshka_dims"] = new JsonArray(16, 64, 32) };
        run.Config["batch_sampler"] = "no_duplicates";
        UseSettings(run, recorded);

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        AssertLosses(run, recorded);
    }

    [TestCase("CoSENTLoss")]
    [TestCase("CosineSimilarityLoss")]
    public void ScoresAreDividedAndMayBeNegative(string loss)
    {
        using TinyRun run = new();
        string rows = string.Concat(Enumerable.Range(0, 32).Select(static i => $"a dog runs {i}\ta cat sleeps {i % 5}\t{(i % 11) - 5}\n"));
        run.Folder.Write("scored.tsv", "sentence1\tsentence2\tscore\n" + rows);
        run.Config["data"] = new JsonObject { ["files"] = "scored.tsv", ["label_scale"] = 5 };
        run.Config["loss"] = loss;

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("32 rows, 32 kept"), "-1 is a score here");
    }

    [Test]
    public void TripletsTrainWithHardnessAndAllDirections([Values("trainer", "fit", "article")] string recipe)
    {
        using TinyRun run = new();
        run.Folder.Write("triplets.jsonl", string.Join("\n", Enumerable.Range(0, 40).Select(
            static i => $$"""{"anchor": "a dog runs {{i}}", "positive": "the dog number {{i}} is running", "negative": "a cat sleeps {{i}} times"}""")));
        run.Config["recipe"] = recipe;
        run.Config["data"] = "triplets.jsonl";
        run.Config["loss"] = new JsonObject
        {
            ["directions"] = new JsonArray("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc"),
            ["hardness_mode"] = "hard_negatives",
            ["hardness_strength"] = 5,
        };

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(run.Steps(), Has.Count.EqualTo(10));
    }

    private static JsonElement Recorded(string name) => JsonDocument.Parse(File.ReadAllText(Fixtures.Path("training", $"{name}.json"))).RootElement;

    private static void WritePairs(TinyRun run, JsonElement recorded, Func<int, string> label)
    {
        JsonElement columns = recorded.GetProperty("columns");
        run.Folder.Write("pairs.jsonl", string.Join("\n", columns.GetProperty("premise").EnumerateArray().Select((premise, i) =>
            $$"""{"premise": {{premise.GetRawText()}}, "hypothesis": {{columns.GetProperty("hypothesis")[i].GetRawText()}}, "label": {{label(columns.GetProperty("label")[i].GetInt32())}}}""")));
    }

    private static void UseSettings(TinyRun run, JsonElement recorded)
    {
        run.Config["recipe"] = "trainer";
        run.Config.Remove("max_steps");
        run.Config["epochs"] = recorded.GetProperty("epochs").GetInt32();
        run.Config["batch_size"] = recorded.GetProperty("batch_size").GetInt32();
        run.Config["learning_rate"] = recorded.GetProperty("lr").GetDouble();
        run.Config["warmup_ratio"] = recorded.GetProperty("warmup").GetDouble();
        run.Config["seed"] = recorded.GetProperty("seed").GetInt32();
        run.Config["dropout"] = 0;
    }

    private static void AssertLosses(TinyRun run, JsonElement recorded)
    {
        List<JsonObject> steps = run.Steps();
        Assert.That(steps, Has.Count.EqualTo(recorded.GetProperty("steps").GetArrayLength()));
        for (int i = 0; i < steps.Count; i++)
        {
            double expected = recorded.GetProperty("steps")[i].GetProperty("loss").GetDouble();
            Assert.That((double)steps[i]["loss"]!, Is.EqualTo(expected).Within(1e-5 * expected), $"loss of step {i}");
        }
    }
}
