using System.Text.Json.Nodes;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Commands;

/// <summary>The commands that use a model: evaluate, similarity, bench.</summary>
public sealed class ModelCommandsTests
{
    private static readonly string Model = Fixtures.Path("models", "tiny-bert");

    [Test]
    public void EvaluateShowsTheCorrelationsAndAppendsThemToTheCsv()
    {
        using TemporaryFolder folder = new();
        string sts = folder.Write("dev.csv", "a dog runs,a dog is running,5\na cat sleeps,the stock market fell,0\nthe man eats,a man is eating,4.5\nit rains,she reads a book,0.5\n");
        string csv = folder.File("scores.csv");

        Outcome first = Program.Run("evaluate", Model, "--sts", sts, "--csv", csv);
        Outcome second = Program.Run("evaluate", Model, "--sts", sts, "--csv", csv);

        Assert.That((first.ExitCode, second.ExitCode), Is.EqualTo((0, 0)), first.Error);
        string[] lines = File.ReadAllLines(csv);
        Assert.That(lines[0], Is.EqualTo("epoch,steps,cosine_pearson,cosine_spearman,dot_pearson,dot_spearman,euclidean_pearson,euclidean_spearman,manhattan_pearson,manhattan_spearman"));
        Assert.That(lines[1], Does.StartWith("-1,-1,").And.EqualTo(lines[2]));
        double spearman = double.Parse(lines[1].Split(',')[3]);
        Assert.That(first.Output, Does.Contain("cosine").And.Contain("manhattan").And.Contain("Spearman"));
        Assert.That(first.Output.TrimEnd(), Does.EndWith($"dev spearman_cosine: {spearman:0.0000} (4 pairs)"));
    }

    [Test]
    public void EvaluateJudgesTripletsLabelledPairsAndRetrieval()
    {
        using TemporaryFolder folder = new();
        string triplets = folder.Write("triplets.tsv", "anchor\tpositive\tnegative\na dog runs\ta dog runs\tit rains\ntwo people\ttwo people\tthe street\n");
        string pairs = folder.Write("pairs.tsv", "sentence1\tsentence2\tlabel\na dog runs\ta dog runs\t1\na dog runs\tit rains\t0\nred\tred\t1\n");
        string queries = folder.Write("queries.tsv", "_id\ttext\nq1\ta dog runs\nq2\tit rains\n");
        string corpus = folder.Write("corpus.tsv", "_id\ttext\n1\tit rains\n2\ta dog runs\n3\tthe street is red\n");
        string relevant = folder.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\t2\t1\nq2\t1\t1\n");

        Outcome outcome = Program.Run(
            "evaluate", Model, "--triplets", triplets, "--pairs", pairs, "--queries", queries, "--corpus", corpus, "--relevant", relevant, "--csv-folder", folder.File("csv"));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(
            outcome.Output, Does.Contain("triplets cosine_accuracy: 1.0000 (2 triplets)").And.Contain("pairs cosine_ap: 1.0000 (3 pairs)").And.Contain("qrels cosine_ndcg@10: 1.0000 (2 queries)"));
        Assert.That(
            Directory.GetFiles(folder.File("csv")).Select(Path.GetFileName).Order(StringComparer.Ordinal),
            Is.EqualTo(["Information-Retrieval_evaluation_qrels_results.csv", "binary_classification_evaluation_pairs_results.csv", "triplet_evaluation_triplets_results.csv"]));
    }

    [TestCase("--csv")]
    [TestCase("--csv-folder")]
    public void EvaluateFindsAFileThatItCanNotWriteBeforeTheWork(string option)
    {
        using TemporaryFolder folder = new();
        string sts = folder.Write("dev.csv", "a dog runs,a dog is running,5\na cat sleeps,the stock market fell,0\n");

        Outcome outcome = Program.Run("evaluate", Model, "--sts", sts, option, Path.Combine(sts, "scores"));

        Assert.That((outcome.ExitCode, outcome.Output), Is.EqualTo((2, "")));
        Assert.That(outcome.Error, Does.Contain($"can't be written: {sts} is a file where a folder is expected"));
    }

    [TestCase(new string[0], "there is nothing to evaluate with")]
    [TestCase(new[] { "--queries", "q.tsv" }, "--queries, --corpus and --relevant belong together")]
    public void EvaluateNeedsSomethingToEvaluateWith(string[] options, string sentence)
    {
        Outcome outcome = Program.Run(["evaluate", Model, .. options]);

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain(sentence));
    }

    [Test]
    public void EvaluateOfTheRealModelGivesItsPublishedCorrelation()
    {
        string root = Fixtures.RepositoryRoot ?? "";
        string sts = Path.Combine(root, "examples", "data", "stsb-en-dev.csv");
        Assume.That(File.Exists(sts), "the suite runs outside the repository");

        Outcome outcome = Program.Run("evaluate", Fixtures.LargeModel("all-MiniLM-L6-v2"), "--sts", sts);

        Assert.That(outcome.Output.TrimEnd(), Does.EndWith("stsb-en-dev spearman_cosine: 0.8672 (1,500 pairs)"), outcome.Error);
    }

    [Test]
    public void SimilarityComparesTwoSentencesOrTwoFilesLineByLine()
    {
        using TemporaryFolder folder = new();
        string a = folder.Write("a.txt", "the same\nthe first one\n");
        string b = folder.Write("b.txt", "the same\nsomething else\n");

        Outcome sentences = Program.Run("similarity", Model, "the first one", "something else");
        Outcome files = Program.Run("similarity", Model, a, b);

        string[] lines = files.Output.TrimEnd().Split(Environment.NewLine);
        Assert.That(lines, Is.EqualTo(["1.000000", sentences.Output.TrimEnd()]), files.Error);
    }

    [Test]
    public void SimilarityOfFilesOfDifferentLengthIsRefused()
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run("similarity", Model, folder.Write("a.txt", "one\n"), folder.Write("b.txt", "one\ntwo\n"));

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain("has 1 lines and ").And.Contain("has 2"));
    }

    [Test]
    public void BenchCountsTokensAndOperationsAndMeasuresThePeak()
    {
        using TemporaryFolder folder = new();
        string data = folder.Write("pairs.tsv", "anchor\tpositive\n" + string.Concat(Enumerable.Range(0, 20).Select(static i => $"a\ta{(i % 2 == 0 ? " a a" : "")}\n")));

        Outcome outcome = Program.Run("bench", Model, data, "--batch-size", "4", "--steps", "2", "--encode", "10", "--max-seq-length", "16", "--json");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        JsonNode result = JsonNode.Parse(outcome.Output)!;
        JsonNode training = result["training"]!;
        const double TokensOfABatch = (4 * 3) + (2 * 3) + (2 * 5);
        const double FlopsPerToken = 2 * 2 * ((4 * 64 * 64) + (2 * 64 * 128));
        Assert.Multiple(() =>
        {
            Assert.That((double)training["tokens_per_step"]!, Is.EqualTo(TokensOfABatch));
            Assert.That((double)training["padded_tokens_per_step"]!, Is.EqualTo((4 * 3) + (4 * 5)));
            Assert.That((double)training["full_tokens_per_step"]!, Is.EqualTo(2 * 4 * 16));
            Assert.That((double)training["flops_per_step"]!, Is.EqualTo(3 * TokensOfABatch * FlopsPerToken));
            Assert.That((double)result["peak_flops"]!, Is.GreaterThan(1e8));
            Assert.That((double)training["sustained_flops"]!, Is.GreaterThan(1e8));
            Assert.That((double)training["median_seconds"]!, Is.GreaterThan(0));
            Assert.That((int)result["encoding"]!["sentences"]!, Is.EqualTo(10));
            Assert.That((double)result["encoding"]!["sustained_flops"]!, Is.GreaterThan(1e8));
            Assert.That((long)result["encoding"]!["tokens"]!, Is.EqualTo(30));
        });
    }

    [Test]
    public void BenchTimesTokenising()
    {
        using TemporaryFolder folder = new();
        string data = folder.Write("pairs.tsv", "anchor\tpositive\n" + string.Concat(Enumerable.Range(0, 100_000).Select(static i => $"a\ta{(i % 2 == 0 ? " b" : "")}\n")));

        Outcome outcome = Program.Run("bench", Model, data, "--steps", "0", "--encode", "0", "--tokenize", "--json");
        Outcome text = Program.Run("bench", Model, data, "--steps", "0", "--encode", "0", "--tokenize");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        JsonNode tokenizing = JsonNode.Parse(outcome.Output)!["tokenizing"]!;
        Assert.Multiple(() =>
        {
            Assert.That((int)tokenizing["rows"]!, Is.EqualTo(100_000));
            Assert.That((int)tokenizing["sentences"]!, Is.EqualTo(2), "each is tokenised once");
            Assert.That((long)tokenizing["tokens"]!, Is.EqualTo(3 + 4));
            Assert.That((double)tokenizing["seconds"]!, Is.GreaterThan(0));
            Assert.That((double)tokenizing["bytes_per_row"]!, Is.InRange(7.5, 120), "two numbers, give or take what else the process frees meanwhile");
            Assert.That(text.Output, Does.Contain("100,000 rows in").And.Contain("2 different sentences in").And.Contain("bytes a row"));
        });
    }

    [Test]
    public void BenchReadsAsText()
    {
        using TemporaryFolder folder = new();
        string data = folder.Write("pairs.tsv", "anchor\tpositive\n" + string.Concat(Enumerable.Repeat("a\tb\n", 8)));

        Outcome outcome = Program.Run("bench", Model, data, "--batch-size", "4", "--steps", "1", "--encode", "4");

        Assert.That(outcome.Output, Does.Contain("multiply-add peak").And.Contain("ms a step").And.Contain("real; padding to the longest").And.Contain("of the peak").And.Contain("keeps up").And.Contain("sentences/s"), outcome.Error);
    }
}
