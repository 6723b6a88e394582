using System.Diagnostics;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Commands;

using TemporaryFolder = MnrEngine.Testing.TemporaryFolder;

/// <summary>The program with ids of the hub in place of folders and files.</summary>
[NonParallelizable]
public sealed class HubCommandTests
{
    private const string Id = "owner/tiny";

    private static readonly string Model = Fixtures.Path("models", "tiny-bert");
    private static readonly string[] Variables = ["HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"];

    private readonly Dictionary<string, string?> _before = [];
    private TemporaryFolder _folder = null!;
    private PretendHub _hub = null!;

    [SetUp]
    public void StartHub()
    {
        _folder = new TemporaryFolder();
        _hub = new PretendHub();
        _hub.AddFolder(Id, Model, ".safetensors");
        foreach (string variable in Variables)
        {
            _before[variable] = Environment.GetEnvironmentVariable(variable);
            Environment.SetEnvironmentVariable(variable, null);
        }

        Environment.SetEnvironmentVariable("HF_ENDPOINT", _hub.Address);
        Environment.SetEnvironmentVariable("HF_HOME", _folder.Path("hf"));
    }

    [TearDown]
    public void StopHub()
    {
        foreach ((string variable, string? value) in _before)
        {
            Environment.SetEnvironmentVariable(variable, value);
        }

        _hub.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void AnIdGivesWhatTheFolderGives()
    {
        Outcome folder = Program.Run("similarity", Model, "the first one", "something else");
        Outcome id = Program.Run("similarity", Id, "the first one", "something else");

        Assert.That(id.Output, Is.EqualTo(folder.Output), id.Error);
        Assert.That(id.Error, Does.Match(@"(?m)^fetching owner/tiny/config\.json, [0-9]+ bytes\r?$").And.Contain("fetching owner/tiny/model.safetensors, "), "what is fetched is said where no result is");
        Assert.That(Program.Run("similarity", Id, "the first one", "something else").Error, Is.Empty, "the second time nothing is fetched");
        Assert.That(Program.Run("similarity", $"{Id}@{PretendHub.Commit}", "the first one", "something else").Output, Is.EqualTo(folder.Output));
    }

    [Test]
    public void EveryCommandWithAModelTakesAnId()
    {
        string texts = _folder.Write("texts.txt", "one\ntwo\n");
        string pairs = _folder.Write("pairs.tsv", "anchor\tpositive\n" + string.Concat(Enumerable.Repeat("a\tb\n", 8)));
        string sts = _folder.Write("dev.csv", "a dog,a cat,5\nthe sun,a stone,1\nit rains,it pours,4\n");

        Assert.Multiple(() =>
        {
            Assert.That(Program.Run("encode", Id, texts, "-o", _folder.Path("out.npy")).ExitCode, Is.Zero);
            Assert.That(Program.Run("evaluate", Id, "--sts", sts).ExitCode, Is.Zero);
            Assert.That(Program.Run("bench", Id, pairs, "--steps", "1", "--encode", "2", "--batch-size", "4").ExitCode, Is.Zero);
        });
    }

    [Test]
    public void TokenizeFetchesOnlyTheTokenizer()
    {
        string texts = _folder.Write("texts.jsonl", "\"hello\"\n");

        Outcome id = Program.Run("tokenize", Id, texts);

        Assert.That(id.Output, Is.EqualTo(Program.Run("tokenize", Model, texts).Output), id.Error);
        Assert.That(_hub.StoreRequests, Is.Empty);
    }

    [Test]
    public void AFolderOnTheDiskWins()
    {
        string folder = _folder.CopyFolder(Model, "owner/tiny");
        string here = Directory.GetCurrentDirectory();
        try
        {
            Directory.SetCurrentDirectory(_folder.Root);
            Assert.That(Program.Run("similarity", Id, "a", "b").ExitCode, Is.Zero);
        }
        finally
        {
            Directory.SetCurrentDirectory(here);
        }

        Assert.That(Directory.Exists(folder));
        Assert.That(_hub.Requests, Is.Empty);
    }

    [TestCase("owner/none", "error: there is no folder owner/none, and there is no model owner/none on http://127.0.0.1:")]
    [TestCase("owner/tiny@v9", "error: there is no folder owner/tiny@v9, and the model owner/tiny on http://127.0.0.1:")]
    [TestCase("./owner/tiny", "error: there is no folder ./owner/tiny")]
    [TestCase("a/path/to/nothing", "error: there is no folder a/path/to/nothing")]
    public void WhatIsNeither(string model, string sentence)
    {
        Outcome outcome = Program.Run("similarity", model, "a", "b");

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.StartWith(sentence));
        Assert.That(outcome.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
    }

    [Test]
    public void OfflineIsASentence()
    {
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");

        Outcome outcome = Program.Run("similarity", Id, "a", "b");

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain("the model owner/tiny is not in the cache (").And.Contain("HF_HUB_OFFLINE is set"));
        Assert.That(_hub.Requests, Is.Empty);
    }

    [Test]
    public void TheTokenFileIsUsed()
    {
        _folder.Write("hf/token", "hf_fromfile\n");

        Program.Run("tokenize", Id, _folder.Write("texts.jsonl", "\"hello\"\n"));

        Assert.That(_hub.Requests.Select(static request => request.Header("Authorization")), Is.Not.Empty.And.All.EqualTo("Bearer hf_fromfile"));
    }

    [Test]
    public void ATrainingRunTakesItsModelRowsAndPairsFromTheHub()
    {
        AddRows();
        string config = _folder.Write("run/train.json", $$"""
            {
              "model": "{{Id}}",
              "data": { "path": "owner/rows", "subset": "pair" },
              "evaluation": { "sts": ["owner/scored"] },
              "batch_size": 2, "epochs": 1, "output": "out"
            }
            """);

        Outcome outcome = Program.Run("train", config);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("train-00000-of-00002.tsv: 2 rows, 2 kept").And.Contain("train-00001-of-00002.tsv: 2 rows, 2 kept").And.Contain("scored spearman_cosine: before "));
        string written = File.ReadAllText(_folder.Path("run", "out", "config.json"));
        Assert.That(written, Does.Contain("\"owner/tiny\"").And.Contain("\"owner/rows\"").And.Contain("\"owner/scored\"").And.Contain("\"subset\": \"pair\""), "ids stay ids");
        string card = File.ReadAllText(_folder.Path("run", "out", "model", "README.md"));
        Assert.That(card, Does.Contain("base_model: owner/tiny").And.Contain("owner/rows"));
    }

    [Test]
    public void TheConfigsFolderComesBeforeTheHub()
    {
        _folder.CopyFolder(Model, "run/owner/tiny");
        string config = _folder.Write("run/train.json", """{ "model": "owner/tiny", "data": "pairs.tsv", "batch_size": 2, "epochs": 1, "output": "out" }""");
        _folder.Write("run/pairs.tsv", "anchor\tpositive\na\tb\nc\td\n");

        Outcome outcome = Program.Run("train", config);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(_hub.Requests, Is.Empty);
    }

    [TestCase("""{ "path": "owner/rows", "subset": "triplet" }""", "there is no file or folder owner/rows, and the data set owner/rows on ", "has no subset triplet; it has pair, other")]
    [TestCase("\"owner/rows\"", "has the subsets pair, other, and none of them is its default")]
    [TestCase("""{ "path": "owner/rows", "subset": "pair", "split": "test" }""", "has no split test; it has train")]
    [TestCase("\"owner/nothing\"", "there is no data set owner/nothing on ")]
    [TestCase("\"owner/pairs.tsv\"", "pairs.tsv does not exist")]
    [TestCase("""{ "path": "pairs.tsv", "subset": "pair" }""", "the subset pair is asked for, but subsets are for data sets of the hub, and ")]
    [TestCase("""{ "path": "pairs.tsv", "revision": "v2" }""", "the revision v2 is asked for, but revisions are for the hub, and ")]
    [TestCase("""{ "path": "owner/rows", "limit": 3 }""", "data.path is not a known key")]
    [TestCase("""[{ "hub": "owner/rows" }]""", "data.files[0].hub is not a known key; it is called data.files[].path here")]
    public void RowsThatAreNotThere(string data, params string[] sentences)
    {
        AddRows();
        _folder.Write("pairs.tsv", "anchor\tpositive\na\tb\n");
        string config = _folder.Write("train.json", $$"""{ "model": "{{Id}}", "data": {{data}}, "output": "out" }""");

        Outcome outcome = Program.Run("train", config);

        Assert.That(outcome.ExitCode, Is.EqualTo(2), outcome.Output);
        foreach (string sentence in sentences)
        {
            Assert.That(outcome.Error, Does.Contain(sentence));
        }

        Assert.That(Directory.Exists(_folder.Path("out")), Is.False, "nothing is written");
    }

    [Test]
    public void EvaluateTakesASplitOfTheHub()
    {
        AddRows();

        Outcome outcome = Program.Run("evaluate", Id, "--sts", "owner/scored");
        Outcome test = Program.Run("evaluate", Id, "--sts", "owner/scored", "--split", "test");

        Assert.That(outcome.Output, Does.Contain("scored spearman_cosine: ").And.Contain("(4 pairs)"), outcome.Error);
        Assert.That(test.Output, Does.Contain("(3 pairs)"), test.Error);
    }

    [Test]
    public void CompareTakesIdsAndScoredPairsOfTheHub()
    {
        AddRows();

        Outcome outcome = Program.Run("compare", Id, $"folder={Model}", "--sts", "owner/scored");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("tiny").And.Contain("folder").And.Contain("scored"));
    }

    [Test]
    public void PrepareTakesDataSetsOfTheHub()
    {
        _hub.Add("datasets/nli",
            ("train.csv", Text("premise,hypothesis,label\na dog runs,an animal runs,0\na dog runs,a cat sleeps,2\na man eats,a person eats,0\n")), ("dev.csv", Text("premise,hypothesis,label\nx,y,0\n")));
        string result = _folder.Path("pairs.tsv");

        Outcome outcome = Program.Run("prepare", "nli", "--to", "pairs", "-o", result, "--histogram", "none", "--tokenizer", Id);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(File.ReadAllLines(result), Is.EqualTo(["anchor\tpositive", "a dog runs\tan animal runs", "a man eats\ta person eats"]));
        Assert.That(Program.Run("prepare", "nothing", "--to", "pairs", "-o", _folder.Path("no.tsv")).Error, Does.StartWith("error: there is no file or folder nothing, and there is no data set nothing on "));
        Assert.That(File.Exists(_folder.Path("no.tsv")), Is.False);
    }

    [Test]
    public void TwoProcessesAtOnceFetchEachFileOnce()
    {
        string weights = _hub.ContentOf(Id, "model.safetensors").Sha256;
        using CountdownEvent both = new(2);
        _hub.Fault = request =>
        {
            if (request.Method == "HEAD" && request.Target.EndsWith("model.safetensors"))
            {
                both.Signal();
            }

            return null;
        };
        _hub.StoreFault = _ =>
        {
            // The first one gets the weights only when the second wants them too.
            both.Wait(TimeSpan.FromSeconds(60));
            return null;
        };

        Process[] processes = [Start(), Start()];
        string[] outputs = [.. processes.Select(static process => process.StandardOutput.ReadToEnd())];
        foreach (Process process in processes)
        {
            process.WaitForExit();
        }

        Assert.That(processes.Select(static process => process.ExitCode), Is.All.Zero);
        Assert.That(outputs, Is.All.EqualTo(Program.Run("similarity", Model, "one", "two").Output));
        Assert.That(both.IsSet);
        Assert.That(_hub.StoreRequests.Where(request => request.Target.Contains(weights)).ToArray(), Has.Length.EqualTo(1));

        static Process Start() => Process.Start(new ProcessStartInfo(Environment.ProcessPath is string host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet", [typeof(CommandLine).Assembly.Location, "similarity", Id, "one", "two"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }

    private void AddRows()
    {
        _hub.Add("datasets/owner/rows",
            ("README.md", Text("---\nconfigs:\n- config_name: pair\n  data_files:\n  - split: train\n    path: pair/train-*\n- config_name: other\n  data_files: other.csv\n---\n")),
            ("pair/train-00000-of-00002.tsv", Text("anchor\tpositive\nthe first\tthe one\nthe second\tanother\n", apart: true)),
            ("pair/train-00001-of-00002.tsv", Text("anchor\tpositive\nthe third\tsome more\nthe fourth\tthe last\n", apart: true)),
            ("other.csv", Text("x,y\n")));
        _hub.Add("datasets/owner/scored",
            ("validation.csv", Text("sentence1,sentence2,score\na dog,a cat,0.5\nthe sun,a stone,0.1\nit rains,it pours,0.9\none,two,0.3\n")),
            ("test.csv", Text("sentence1,sentence2,score\na dog,a cat,0.5\nthe sun,a stone,0.1\nit rains,it pours,0.9\n")));
    }

    private static HubContent Text(string text, bool apart = false) => new(System.Text.Encoding.UTF8.GetBytes(text), apart);
}
