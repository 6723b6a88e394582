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
    [TestCase("\"owner/unclear\"", "has the subsets first, other, and none of them is its default; name one, as in \"owner/unclear:first\"")]
    [TestCase("""{ "path": "owner/rows", "subset": "pair", "split": "test" }""", "has no split test; it has train")]
    [TestCase("\"owner/nothing\"", "there is no data set owner/nothing on ")]
    [TestCase("\"owner/rows:triplet\"", "there is no file or folder owner/rows:triplet, and the data set owner/rows on ", "has no subset triplet; it has pair, other")]
    [TestCase("\"owner/rows:pair:test\"", "has no split test; it has train")]
    [TestCase("""{ "path": "owner/rows:pair", "subset": "other" }""", "owner/rows:pair names the subset pair, but other is asked for as well; give one of them")]
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

    /// <summary>sentence-transformers/all-nli has no default, but its subsets are called after what they are for.</summary>
    [TestCase("\"MultipleNegativesRankingLoss\"", "pair")]
    [TestCase("""{ "type": "MatryoshkaLoss", "matryoshka_dims": [32, 16] }""", "pair")]
    [TestCase("\"SoftmaxLoss\"", "pair-class")]
    [TestCase("\"CoSENTLoss\"", "pair-score")]
    public void WhereADataSetHasNoDefaultTheSubsetThatTheLossNeedsIsTaken(string loss, string subset)
    {
        AddAllNli();
        string config = _folder.Write("train.json", $$"""{ "model": "{{Id}}", "data": "sentence-transformers/all-nli", "loss": {{loss}}, "batch_size": 2, "epochs": 1, "output": "out" }""");

        Outcome outcome = Program.Run("train", config);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain(
            $"sentence-transformers/all-nli has the subsets triplet, pair, pair-class, pair-score, and none of them is its default; {subset} is taken, which is made for this (\"sentence-transformers/all-nli:{subset}\" names it)"));
        Assert.That(outcome.Output, Does.Contain($"{subset}/train.csv: 3 rows, 3 kept"));
    }

    /// <summary>Rows can be chosen by their labels only where they have some.</summary>
    [Test]
    public void RowsChosenByLabelsAreOfTheLabelledSubset()
    {
        AddAllNli();
        string config = _folder.Write("train.json", $$"""{ "model": "{{Id}}", "data": { "files": "sentence-transformers/all-nli", "labels": ["entailment"] }, "batch_size": 1, "epochs": 1, "output": "out" }""");

        Outcome outcome = Program.Run("train", config);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("; pair-class is taken").And.Contain("pair-class/train.csv: 3 rows, 1 kept"));
    }

    [Test]
    public void AnIdMayNameItsSubsetAndSplit()
    {
        AddAllNli();
        string config = _folder.Write("train.json", $$"""{ "model": "{{Id}}", "data": "sentence-transformers/all-nli:triplet:dev", "batch_size": 2, "epochs": 1, "output": "out" }""");

        Outcome outcome = Program.Run("train", config);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("triplet/dev.csv: 2 rows, 2 kept"));
        Assert.That(File.ReadAllText(_folder.Path("out", "config.json")), Does.Contain("\"sentence-transformers/all-nli:triplet:dev\""));
        Assert.That(File.ReadAllText(_folder.Path("out", "model", "README.md")), Does.Contain("sentence-transformers/all-nli").And.Not.Contain("all-nli:"));
    }

    [Test]
    public void EveryEvaluationTakesIdsOfTheHub()
    {
        AddAllNli();
        AddRetrieval();
        string config = _folder.Write("train.json", $$"""
            {
              "model": "{{Id}}", "data": "sentence-transformers/all-nli", "batch_size": 2, "epochs": 1, "output": "out",
              "evaluation": {
                "triplets": { "path": "sentence-transformers/all-nli", "split": "dev" },
                "binary_classification": ["owner/same"],
                "information_retrieval": [{ "queries": "mteb/tiny:queries", "corpus": "mteb/tiny:corpus", "relevant_docs": "mteb/tiny" }]
              }
            }
            """);

        Outcome outcome = Program.Run("train", config);
        Outcome triplets = Program.Run("evaluate", Id, "--triplets", "sentence-transformers/all-nli:triplet:dev");
        Outcome chosen = Program.Run("evaluate", Id, "--triplets", "sentence-transformers/all-nli", "--subset", "triplet", "--split", "train");
        Outcome pairs = Program.Run("evaluate", Id, "--pairs", "owner/same");
        Outcome retrieval = Program.Run("evaluate", Id, "--queries", "mteb/tiny:queries", "--corpus", "mteb/tiny:corpus", "--relevant", "mteb/tiny::test");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain("all-nli cosine_accuracy: before ").And.Contain("same cosine_ap: before ").And.Contain("tiny cosine_ndcg@10: before "));
        Assert.That(triplets.Output, Does.Contain("(2 triplets)"), triplets.Error);
        Assert.That(chosen.Output, Does.Contain("(3 triplets)"), chosen.Error);
        Assert.That(pairs.Output, Does.Contain("same cosine_ap: ").And.Contain("(4 pairs)"), pairs.Error);
        Assert.That(retrieval.Output, Does.Contain("tiny cosine_ndcg@10: ").And.Contain("(2 queries)"), retrieval.Error);
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

    /// <summary>SNLI has one subset and MNLI is one of many; both come in one command because an input may name its own.</summary>
    [Test]
    public void EachInputOfPrepareMayNameItsSubsetAndSplit()
    {
        AddNli();
        string result = _folder.Path("pairs.tsv");

        Outcome both = Program.Run("prepare", "stanfordnlp/snli", "nyu-mll/glue:mnli", "--to", "pairs", "-o", result, "--histogram", "none");
        string[] train = File.ReadAllLines(result);
        Outcome validation = Program.Run("prepare", "stanfordnlp/snli::validation", "nyu-mll/glue:mnli:validation_matched", "--to", "pairs", "-o", result, "--histogram", "none");

        Assert.That(both.ExitCode, Is.Zero, both.Error);
        Assert.That(train, Is.EqualTo(["anchor\tpositive", "snli train\tx", "mnli train\tx"]));
        Assert.That(validation.ExitCode, Is.Zero, validation.Error);
        Assert.That(File.ReadAllLines(result), Is.EqualTo(["anchor\tpositive", "snli validation\tx", "mnli matched\tx"]));
    }

    /// <summary>What the message about a split proposes is taken.</summary>
    [Test]
    public void ASplitThatAMessageProposesIsTaken()
    {
        AddNli();
        string result = _folder.Path("pairs.tsv");
        string[] command = ["prepare", "nyu-mll/glue", "--subset", "mnli", "--to", "pairs", "-o", result, "--histogram", "none", "--split"];

        Outcome wrong = Program.Run([.. command, "validation"]);
        Outcome right = Program.Run([.. command, "validation_mismatched"]);

        Assert.That(wrong.ExitCode, Is.EqualTo(2));
        Assert.That(wrong.Error, Does.Contain("has no split validation; it has train, validation_matched, validation_mismatched"));
        Assert.That(right.ExitCode, Is.Zero, right.Error);
        Assert.That(File.ReadAllLines(result), Is.EqualTo(["anchor\tpositive", "mnli mismatched\tx"]));
    }

    [TestCase("pairs", "pair")]
    [TestCase("triplets", "triplet")]
    [TestCase("labelled", "pair-class")]
    [TestCase("sts", "pair-score")]
    public void PrepareTakesTheSubsetThatIsMadeForItsRows(string rows, string subset)
    {
        AddAllNli();

        Outcome outcome = Program.Run("prepare", "sentence-transformers/all-nli", "--to", rows, "-o", _folder.Path("out.tsv"), "--histogram", "none");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Error, Does.Contain($"; {subset} is taken, which is made for this"));
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

    private void AddNli()
    {
        const string Head = "premise,hypothesis,label\n";
        _hub.Add("datasets/stanfordnlp/snli",
            ("README.md", Text("---\nconfigs:\n- config_name: plain_text\n  data_files:\n  - split: validation\n    path: plain_text/validation-*\n  - split: train\n    path: plain_text/train-*\n---\n")),
            ("plain_text/train-00000-of-00001.csv", Text(Head + "snli train,x,0\n")),
            ("plain_text/validation-00000-of-00001.csv", Text(Head + "snli validation,x,0\n")));
        _hub.Add("datasets/nyu-mll/glue",
            ("README.md", Text("---\nconfigs:\n- config_name: ax\n  data_files: ax.csv\n- config_name: mnli\n  data_files:\n"
                + string.Concat(((string[])["train", "validation_matched", "validation_mismatched"]).Select(static split => $"  - split: {split}\n    path: mnli/{split}-*\n")) + "---\n")),
            ("ax.csv", Text(Head + "ax,x,0\n")),
            ("mnli/train-00000-of-00001.csv", Text(Head + "mnli train,x,0\n")),
            ("mnli/validation_matched-00000-of-00001.csv", Text(Head + "mnli matched,x,0\n")),
            ("mnli/validation_mismatched-00000-of-00001.csv", Text(Head + "mnli mismatched,x,0\n")));
    }

    /// <summary>The subsets of sentence-transformers/all-nli, none of which is its default.</summary>
    private void AddAllNli()
    {
        string[] subsets = ["triplet", "pair", "pair-class", "pair-score"];
        _hub.Add("datasets/sentence-transformers/all-nli",
            ("README.md", Text("---\nconfigs:\n" + string.Concat(subsets.Select(static subset => $"- config_name: {subset}\n  data_files:\n  - split: train\n    path: {subset}/train*\n  - split: dev\n    path: {subset}/dev*\n")) + "---\n")),
            ("triplet/train.csv", Text("anchor,positive,negative\na dog runs,an animal runs,a cat sleeps\na man eats,someone eats,nobody eats\nit rains,it pours,it is dry\n")),
            ("triplet/dev.csv", Text("anchor,positive,negative\na dog runs,an animal runs,a cat sleeps\na man eats,someone eats,nobody eats\n")),
            ("pair/train.csv", Text("anchor,positive\na dog runs,an animal runs\na man eats,someone eats\nit rains,it pours\n")),
            ("pair-class/train.csv", Text("premise,hypothesis,label\na dog runs,an animal runs,0\na dog runs,it is brown,1\na man eats,nobody eats,2\n")),
            ("pair-score/train.csv", Text("sentence1,sentence2,score\na dog runs,an animal runs,1.0\na dog runs,it is brown,0.5\na man eats,nobody eats,0.0\n")));
    }

    /// <summary>Queries, documents and judgements as MTEB's data sets lie on the hub, the documents in two files; and labelled pairs.</summary>
    private void AddRetrieval()
    {
        _hub.Add("datasets/mteb/tiny",
            ("README.md", Text("---\nconfigs:\n- config_name: default\n  data_files:\n  - split: test\n    path: qrels/test.jsonl\n- config_name: corpus\n  data_files:\n  - split: corpus\n    path: corpus-*\n- config_name: queries\n  data_files:\n  - split: queries\n    path: queries.jsonl\n---\n")),
            ("qrels/test.jsonl", Text("""{"query-id": "1", "corpus-id": "a", "score": 1}""" + "\n" + """{"query-id": "2", "corpus-id": "b", "score": 1}""" + "\n")),
            ("corpus-0.jsonl", Text("""{"_id": "a", "title": "Dogs", "text": "they run"}""" + "\n")),
            ("corpus-1.jsonl", Text("""{"_id": "b", "title": "", "text": "it rains"}""" + "\n")),
            ("queries.jsonl", Text("""{"_id": "1", "text": "what runs"}""" + "\n" + """{"_id": "2", "text": "what falls"}""" + "\n")));
        _hub.Add("datasets/owner/same", ("validation.csv", Text("sentence1,sentence2,label\na dog,a dog,1\nthe sun,a stone,0\nit rains,it pours,1\none,two,0\n")));
    }

    private void AddRows()
    {
        _hub.Add("datasets/owner/rows",
            ("README.md", Text("---\nconfigs:\n- config_name: pair\n  data_files:\n  - split: train\n    path: pair/train-*\n- config_name: other\n  data_files: other.csv\n---\n")),
            ("pair/train-00000-of-00002.tsv", Text("anchor\tpositive\nthe first\tthe one\nthe second\tanother\n", apart: true)),
            ("pair/train-00001-of-00002.tsv", Text("anchor\tpositive\nthe third\tsome more\nthe fourth\tthe last\n", apart: true)),
            ("other.csv", Text("x,y\n")));
        _hub.Add("datasets/owner/unclear",
            ("README.md", Text("---\nconfigs:\n- config_name: first\n  data_files: a.csv\n- config_name: other\n  data_files: b.csv\n---\n")), ("a.csv", Text("x,y\n")), ("b.csv", Text("x,y\n")));
        _hub.Add("datasets/owner/scored",
            ("validation.csv", Text("sentence1,sentence2,score\na dog,a cat,0.5\nthe sun,a stone,0.1\nit rains,it pours,0.9\none,two,0.3\n")),
            ("test.csv", Text("sentence1,sentence2,score\na dog,a cat,0.5\nthe sun,a stone,0.1\nit rains,it pours,0.9\n")));
    }

    private static HubContent Text(string text, bool apart = false) => new(System.Text.Encoding.UTF8.GetBytes(text), apart);
}
