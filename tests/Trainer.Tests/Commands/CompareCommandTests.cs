using System.Text.Json.Nodes;
using MnrEngine.Testing;
using NUnit.Framework;
using SkiaSharp;

namespace MnrEngine.Trainer.Tests.Commands;

/// <summary><c>compare</c>: several models on the same pairs.</summary>
public sealed class CompareCommandTests
{
    private const string Pairs =
        "a dog runs,a dog is running,5\na cat sleeps,the stock market fell,0\nthe man eats,a man is eating,4.5\nit rains,she reads a book,0.5\na woman sings,a woman sings loudly,4\n";

    private static readonly string Bert = Fixtures.Path("models", "tiny-bert");
    private static readonly string Mpnet = Fixtures.Path("models", "tiny-mpnet");
    private static readonly string DistilBert = Fixtures.Path("models", "tiny-distilbert");

    private TemporaryFolder _folder = null!;
    private string _sts = null!;

    [SetUp]
    public void SetUp()
    {
        _folder = new TemporaryFolder();
        _sts = _folder.Write("dev.csv", Pairs);
    }

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void TheFiguresAreThoseOfEvaluateAndTheBestComesFirst()
    {
        Outcome outcome = Program.Run("compare", Bert, $"a second={Mpnet}", DistilBert, "--sts", _sts, "--json", _folder.File("out/figures.json"));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        JsonNode comparison = JsonNode.Parse(File.ReadAllText(_folder.File("out/figures.json")))!;
        JsonObject[] models = [.. comparison["models"]!.AsArray().Select(static m => m!.AsObject())];
        Assert.That(models.Select(static m => (string)m["label"]!), Is.EquivalentTo(["tiny-bert", "a second", "tiny-distilbert"]));
        Assert.That(models.Select(static m => (double)m["spearman_cosine"]!), Is.Ordered.Descending);
        Assert.That(((string)comparison["data_set"]!, (int)comparison["pairs"]!), Is.EqualTo(("dev", 5)));
        foreach (JsonObject model in models)
        {
            string csv = _folder.File($"{model["label"]}.csv");
            Program.Run("evaluate", (string)model["model"]!, "--sts", _sts, "--csv", csv);
            double[] expected = [.. File.ReadLines(csv).Last().Split(',').Select(double.Parse)];
            Assert.Multiple(() =>
            {
                // epoch, steps, then Pearson and Spearman of cosine, dot, Euclidean, Manhattan
                Assert.That((double)model["pearson_cosine"]!, Is.EqualTo(expected[2]).Within(1e-6));
                Assert.That((double)model["spearman_cosine"]!, Is.EqualTo(expected[3]).Within(1e-12));
                Assert.That((double)model["spearman_max"]!, Is.EqualTo(new[] { expected[3], expected[5], expected[7], expected[9] }.Max()).Within(1e-12));
                Assert.That((int)model["dimension"]!, Is.EqualTo(64));
                Assert.That((double)model["sentences_per_second"]!, Is.GreaterThan(0));
            });
        }

        JsonObject bert = models.Single(static m => (string)m["label"]! == "tiny-bert");
        using Serialization.SafetensorsFile weights = Serialization.SafetensorsFile.Open(Path.Combine(Bert, "model.safetensors"));
        Assert.That((long)bert["parameters"]!, Is.EqualTo(weights.Entries.Values.Sum(static entry => (long)entry.Count)));
    }

    [Test]
    public void TheTableAndItsMarkdownMarkTheBest()
    {
        Outcome outcome = Program.Run("compare", Bert, Mpnet, "--sts", _sts, "--name", "five pairs", "--json", _folder.File("c.json"), "--markdown", _folder.File("c.md"));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        JsonNode best = JsonNode.Parse(File.ReadAllText(_folder.File("c.json")))!["models"]![0]!;
        string figure = ((double)best["spearman_cosine"]!).ToString("0.0000");
        string[] table = outcome.Output.Split('\n');
        string[] markdown = File.ReadAllLines(_folder.File("c.md"));
        Assert.Multiple(() =>
        {
            Assert.That(table.Single(line => line.Contains((string)best["label"]!)), Does.Contain(figure + "*"));
            Assert.That(outcome.Output, Does.Contain("five pairs, 5 pairs"));
            Assert.That(markdown[0], Does.StartWith("| Model | Spearman | max of 4 | Pearson |"));
            Assert.That(markdown[2], Does.StartWith($"| {best["label"]} | **{figure}** |"));
            Assert.That(markdown[3], Does.StartWith("| ").And.Not.StartWith($"| {best["label"]} "));
        });
    }

    [Test]
    public void TheChartHasABarForEachModel()
    {
        Outcome outcome = Program.Run("compare", Bert, Mpnet, DistilBert, "--sts", _sts, "--chart", _folder.File("c.png"));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        using SKBitmap chart = SKBitmap.Decode(_folder.File("c.png"));

        // Down the left edge of the bars: the best is orange, the others are blue.
        SKColor[] column = [.. Enumerable.Range(0, chart.Height).Select(y => chart.GetPixel(chart.Width * 2 / 5, y))];
        Assert.That(Runs(column, static p => p.Red > p.Blue + 60), Is.EqualTo(1), "orange bars");
        Assert.That(Runs(column, static p => p.Blue > p.Red + 60), Is.GreaterThanOrEqualTo(1), "blue bars");
    }

    [TestCase("runs/first/model", "first")]
    [TestCase("runs/first/model/", "first")]
    [TestCase("/models/all-MiniLM-L6-v2", "all-MiniLM-L6-v2")]
    [TestCase("sentence-transformers/all-mpnet-base-v2", "all-mpnet-base-v2")]
    [TestCase("model", "model")]
    [TestCase("mine = runs/first/model", "mine")]
    public void AModelIsCalledByItsFolderOrByWhatIsSaid(string text, string label) =>
        Assert.That(Comparisons.NamedModel.Parse(text).Label, Is.EqualTo(label));

    [Test]
    public void AMissingModelIsFoundBeforeTheFirstIsRun()
    {
        Outcome outcome = Program.Run("compare", Bert, _folder.File("nothing"), "--sts", _sts, "--json", _folder.File("c.json"));

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.StartWith("error: ").And.Contain("nothing"));
        Assert.That(outcome.Output, Is.Empty);
        Assert.That(File.Exists(_folder.File("c.json")), Is.False);
    }

    [TestCase("compare --sts x.csv", "models")]
    [TestCase("compare m", "--sts")]
    [TestCase("compare =m --sts {0}", "the model =m is neither MODEL nor LABEL=MODEL")]
    [TestCase("compare m --sts nothing.csv", "nothing.csv")]
    public void WhatIsMissingIsNamed(string line, string words)
    {
        Outcome outcome = Program.Run([.. line.Split(' ').Select(part => part.Replace("{0}", _sts))]);

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain(words));
    }

    private static int Runs(SKColor[] pixels, Func<SKColor, bool> isIn)
    {
        int runs = 0;
        for (int i = 0; i < pixels.Length; i++)
        {
            runs += isIn(pixels[i]) && (i == 0 || !isIn(pixels[i - 1])) ? 1 : 0;
        }

        return runs;
    }
}
