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

    [TestCase("\"CoSENTLoss\"")]
    [TestCase("\"CosineSimilarityLoss\"")]
    [TestCase("""{ "type": "CosineSimilarityLoss", "loss_fct": "L1Loss", "cos_score_transformation": "Tanh" }""")]
    [TestCase("""{ "type": "MatryoshkaLoss", "loss": { "type": "CosineSimilarityLoss", "loss_fct": "HuberLoss", "cos_score_transformation": "Sigmoid" }, "matryoshka_dims": [64, 16] }""")]
    public void ScoresAreDividedAndMayBeNegative(string loss)
    {
        using TinyRun run = new();
        string rows = string.Concat(Enumerable.Range(0, 32).Select(static i => $"a dog runs {i}\ta cat sleeps {i % 5}\t{(i % 11) - 5}\n"));
        run.Folder.Write("scored.tsv", "sentence1\tsentence2\tscore\n" + rows);
        run.Config["data"] = new JsonObject { ["files"] = "scored.tsv", ["label_scale"] = 5 };
        run.Config["loss"] = JsonNode.Parse(loss);

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("32 rows, 32 kept"), "-1 is a score here");
    }

    /// <summary>The first loss, before anything was learnt, tells the errors and transforms apart.</summary>
    [Test]
    public void ACosineIsComparedAsTheConfigSays()
    {
        double[] losses = [.. new[] { "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss" }.SelectMany(static fct => new[] { "Identity", "Sigmoid", "Tanh", "ReLU" }.Select(transform => FirstLoss(fct, transform)))];

        Assert.That(losses[8..12], Is.EqualTo(losses[12..]), "SmoothL1Loss and HuberLoss are one with torch's defaults");
        Assert.That(losses[..12].Distinct().Count(), Is.GreaterThanOrEqualTo(9), "ReLU is the identity where no cosine is negative");

        static double FirstLoss(string fct, string transform)
        {
            using TinyRun run = new();
            run.Folder.Write("scored.tsv", "sentence1\tsentence2\tscore\n" + string.Concat(Enumerable.Range(0, 16).Select(static i => $"a dog runs {i}\ta cat sleeps {i % 5}\t{i % 11 / 11.0}\n")));
            run.Config["data"] = "scored.tsv";
            run.Config["max_steps"] = 1;
            run.Config["loss"] = new JsonObject { ["type"] = "CosineSimilarityLoss", ["loss_fct"] = fct, ["cos_score_transformation"] = transform };
            Outcome outcome = run.Train();
            Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
            return (double)JsonNode.Parse(File.ReadLines(run.Folder.File("out/metrics.jsonl")).First(static line => line.Contains("\"loss\"")))!["loss"]!;
        }
    }

    /// <summary>Whole numbers are scores where the column's name or the config says so.</summary>
    [TestCase("score", null)]
    [TestCase("label", 2)]
    public void WholeScoresMayBeTrainedOn(string column, int? scale)
    {
        using TinyRun run = new();
        run.Folder.Write("scored.tsv", $"sentence1\tsentence2\t{column}\n" + string.Concat(Enumerable.Range(0, 32).Select(static i => $"a dog runs {i}\ta cat sleeps {i % 5}\t{i % 3}\n")));
        run.Config["data"] = new JsonObject { ["files"] = "scored.tsv", ["label_scale"] = scale };
        run.Config["loss"] = "CoSENTLoss";

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
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

    [Test]
    public void EveryEvaluatorReportsAndAnyFigureMayTellWhichModelIsBest()
    {
        using TinyRun run = new();
        run.Folder.Write("triplets.tsv", "anchor\tpositive\tnegative\na dog runs\tthe dog is running\tit rains\ntwo people\tpeople eat\tthe street\n");
        run.Folder.Write("quora.tsv", "sentence1\tsentence2\tlabel\na dog runs\tthe dog is running\t1\na dog runs\tit rains\t0\nred\tblue\t1\n");
        run.Folder.Write("queries.tsv", "_id\ttext\nq1\ta dog runs\nq2\tit rains\n");
        run.Folder.Write("corpus.tsv", "_id\ttext\n1\tthe rain\n2\tthe dog is running\n3\tthe street is red\n");
        run.Folder.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\t2\t1\nq2\t1\t1\n");
        run.Config["evaluation"] = JsonNode.Parse("""
            {
              "triplets": "triplets.tsv",
              "binary_classification": { "path": "quora.tsv", "similarity_fn_names": ["cosine", "manhattan"] },
              "information_retrieval": { "queries": "queries.tsv", "corpus": "corpus.tsv", "relevant_docs": "qrels.tsv", "mrr_at_k": 2 },
              "every_steps": 5,
              "keep_best": true,
              "metric_for_best_model": "eval_qrels_cosine_mrr@2"
            }
            """);

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(run.Evaluations().Select(static e => (string)e["primary"]!).Distinct(), Is.EqualTo(["triplets_cosine_accuracy", "quora_max_ap", "qrels_cosine_ndcg@10"]));
        double[] scores = [.. run.Evaluations().Select(static e => (double?)e["qrels_cosine_mrr@2"]).OfType<double>()];
        Assert.That(scores, Has.Length.EqualTo(3));
        Assert.That(File.Exists(Path.Combine(run.Output, "eval", "triplet_evaluation_triplets_results.csv")));
        Assert.That(outcome.Output, Does.Contain("quora max_ap: before").And.Contain("qrels cosine_ndcg@10: before"));
    }

    [Test]
    public void AFigureThatNoEvaluationGivesIsRefusedBeforeTheRun()
    {
        using TinyRun run = new();
        run.Folder.Write("triplets.tsv", "anchor\tpositive\tnegative\na\tb\tc\n");
        run.Config["evaluation"] = JsonNode.Parse("""{ "triplets": { "path": "triplets.tsv", "name": "dev" }, "keep_best": true, "metric_for_best_model": "dev_cosine_acuracy" }""");

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain("evaluation.metric_for_best_model is dev_cosine_acuracy, but the evaluations give dev_cosine_accuracy"));
    }

    [TestCase("triplets", "anchor\tpositive\na\tb\n", "a triplet needs an anchor, a positive and a negative, but")]
    [TestCase("binary_classification", "sentence1\tsentence2\tlabel\na\tb\t1\nc\td\t2\n", "eval.tsv, line 3: the label is '2', but has to be 1 for similar texts or 0")]
    [TestCase("binary_classification", "sentence1\tsentence2\na\tb\n", "has no label column")]
    [TestCase("binary_classification", "sentence1\tsentence2\tlabel\na\tb\t1\n", "has to have pairs of texts of both kinds")]
    public void BadEvaluationFilesAreNamed(string evaluator, string content, string sentence)
    {
        using TinyRun run = new();
        run.Folder.Write("eval.tsv", content);
        run.Config["evaluation"] = new JsonObject { [evaluator] = "eval.tsv" };

        Outcome outcome = run.Train();

        Assert.That((outcome.ExitCode, Directory.Exists(run.Output)), Is.EqualTo((2, false)));
        Assert.That(outcome.Error, Does.Contain(sentence));
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
