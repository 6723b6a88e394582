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

    /// <summary>The names in the table, for models that are all one and the same in folders of these names.</summary>
    [TestCase("a/net b/net", "a/net b/net")]
    [TestCase("a/net b/net other", "a/net b/net other")]
    [TestCase("x/a/net x/b/net y/b/net", "x/a/net x/b/net y/b/net")]
    [TestCase("x/a/model x/b/model", "a b")]
    [TestCase("x/run/model y/run/model", "x/run y/run")]
    [TestCase("run/model run/best", "run/model run/best")]
    [TestCase("one=net two=net", "one two")]
    [TestCase("net other=net", "net other")]
    public void ModelsOfOneNameGetAsMuchOfTheirPathsAsTellsThemApart(string models, string labels)
    {
        Comparisons.NamedModel[] named = [.. Comparisons.NamedModel.ParseAll([.. models.Split(' ').Select(Made)])];

        Assert.That(named.Select(static model => model.Label), Is.EqualTo(labels.Split(' ')));

        string Made(string model)
        {
            int sign = model.IndexOf('=') + 1;
            string folder = _folder.File(model[sign..]);
            Directory.CreateDirectory(folder);
            return model[..sign] + folder;
        }
    }

    [Test]
    public void AnIdOfTheHubGetsItsOwner() =>
        Assert.That(Comparisons.NamedModel.ParseAll(["me/bert", "you/bert"]).Select(static model => model.Label), Is.EqualTo(["me/bert", "you/bert"]));

    [Test]
    public void AModelNamedTwiceAndALabelGivenTwiceAreRefused()
    {
        Outcome twice = Program.Run("compare", Bert, Mpnet, Bert + "/", "--sts", _sts);
        Outcome alike = Program.Run("compare", $"net={Bert}", $"net={Mpnet}", "--sts", _sts);

        Assert.That((twice.ExitCode, alike.ExitCode), Is.EqualTo((2, 2)));
        Assert.That(twice.Error.TrimEnd(), Is.EqualTo($"error: the model {Bert} is named twice: once is enough, or LABEL=MODEL tells the two apart"));
        Assert.That(alike.Error.TrimEnd(), Is.EqualTo("error: two models are called net: LABEL=MODEL gives one of them another name"));
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
        Assert.That(Comparisons.NamedModel.ParseAll([text])[0].Label, Is.EqualTo(label));

    [Test]
    public void AMissingModelIsFoundBeforeTheFirstIsRun()
    {
        Outcome outcome = Program.Run("compare", Bert, _folder.File("nothing"), "--sts", _sts, "--json", _folder.File("c.json"));

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.StartWith("error: ").And.Contain("nothing"));
        Assert.That(outcome.Output, Is.Empty);
        Assert.That(File.Exists(_folder.File("c.json")), Is.False);
    }

    [Test]
    public void AChartIsAPngFile()
    {
        Outcome outcome = Program.Run("compare", Bert, "--sts", _sts, "--chart", _folder.File("c.jpg"));

        Assert.That((outcome.ExitCode, outcome.Output), Is.EqualTo((2, "")));
        Assert.That(outcome.Error.TrimEnd(), Is.EqualTo($"error: the chart {_folder.File("c.jpg")} has to be a .png file"));
        Assert.That(File.Exists(_folder.File("c.jpg")), Is.False);
    }

    /// <summary>Nothing is computed when a result couldn't be kept, and nothing is left behind by finding out.</summary>
    [TestCase("--markdown")]
    [TestCase("--json")]
    [TestCase("--chart")]
    public void AFileThatCanNotBeWrittenIsFoundBeforeTheFirstModelIsRun(string option)
    {
        Directory.CreateDirectory(_folder.File("folder.png"));
        string[] before = Directory.GetFileSystemEntries(_folder.Path);

        Outcome folder = Program.Run("compare", Bert, "--sts", _sts, option, _folder.File("folder.png"));
        Outcome below = Program.Run("compare", Bert, "--sts", _sts, option, _folder.File("dev.csv/deep/c.png"));

        Assert.That((folder.ExitCode, folder.Output), Is.EqualTo((2, "")));
        Assert.That(folder.Error, Does.Contain($"{_folder.File("folder.png")} can't be written: it is a folder"));
        Assert.That((below.ExitCode, below.Output), Is.EqualTo((2, "")));
        Assert.That(below.Error, Does.Contain($"can't be written: {_folder.File("dev.csv")} is a file where a folder is expected"));
        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Is.EquivalentTo(before));
    }

    [Test]
    public void OneFileHoldsOneResult()
    {
        Outcome outcome = Program.Run("compare", Bert, "--sts", _sts, "--markdown", _folder.File("c"), "--json", _folder.File("c"));

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain("is named for two of --markdown, --json and --chart"));
    }

    [Test]
    public void WhereAllScoresAreEqualThereIsNoCorrelationAndASentenceSaysSo()
    {
        string sts = _folder.Write("same.csv", "a dog runs,a dog is running,3\na cat sleeps,the stock market fell,3\n");

        Outcome outcome = Program.Run("compare", Bert, Mpnet, "--sts", sts, "--json", _folder.File("c.json"), "--markdown", _folder.File("c.md"), "--chart", _folder.File("c.png"));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        const string Sentence = "All pairs have the same score, 3, so that nothing correlates with it.";
        Assert.That(outcome.Output, Does.Contain(Sentence).And.Not.Contain("NaN"));
        Assert.That(File.ReadAllText(_folder.File("c.md")), Does.Contain("| tiny-bert | - | - | - |").And.Contain(Sentence));
        JsonNode json = JsonNode.Parse(File.ReadAllText(_folder.File("c.json")))!;
        Assert.That((string)json["notes"]![0]!, Is.EqualTo(Sentence));
        Assert.That(json["models"]!.AsArray().All(static model => model!["spearman_cosine"] is null && model["pearson_cosine"] is null));
        Assert.That(File.Exists(_folder.File("c.png")));
        Assert.That(Program.Run("evaluate", Bert, "--sts", sts).Output, Does.Contain("there is no correlation"));
    }

    [Test]
    public void AModelThatTellsNothingApartIsNamed()
    {
        string sts = _folder.Write("same.csv", "a dog runs,a cat sleeps,3\na dog runs,a cat sleeps,4\n");

        Outcome outcome = Program.Run("compare", Bert, "--sts", sts);

        Assert.That(outcome.Output, Does.Contain("tiny-bert gives all pairs the same cosine similarity, so that it has no correlation."), outcome.Error);
    }

    [Test]
    public void AScoreOutOfRangeIsNamedWithItsLine()
    {
        string sts = _folder.Write("nine.csv", "a dog runs,a dog is running,3\na cat sleeps,the stock market fell,9\n");

        Outcome refused = Program.Run("compare", Bert, "--sts", sts);
        Outcome taken = Program.Run("compare", Bert, "--sts", sts, "--score-scale", "10");

        Assert.That(refused.ExitCode, Is.EqualTo(2));
        Assert.That(refused.Error, Does.Contain($"{sts}, line 2: the score is 9, but has to be from 0 to 5"));
        Assert.That(taken.ExitCode, Is.Zero, taken.Error);
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
