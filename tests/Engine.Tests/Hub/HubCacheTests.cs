using System.Text.Json.Nodes;
using MnrEngine.Hub;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Hub;

/// <summary>What is in the cache afterwards: what Python's huggingface_hub would have put there, and nothing is fetched twice.</summary>
public sealed class HubCacheTests : HubTest
{
    [Test]
    public void AModelIsInTheCacheAsPythonKeepsIt()
    {
        string folder = GetModel();

        Assert.That(folder, Is.EqualTo(Snapshot()));
        Assert.That(File.ReadAllBytes(Repository("refs", "main")), Is.EqualTo(System.Text.Encoding.ASCII.GetBytes(PretendHub.Commit)), "no line break after the commit");
        foreach (string path in (string[])["config.json", Weights, "1_Pooling/config.json"])
        {
            HubContent content = Hub.ContentOf(Id, path);
            string up = path.Contains('/') ? "../../../" : "../../";
            Assert.That(new FileInfo(Snapshot(path.Split('/'))).LinkTarget, Is.EqualTo($"{up}blobs/{content.ETag}"));
            Assert.That(File.ReadAllBytes(Snapshot(path.Split('/'))), Is.EqualTo(content.Content));
        }

        Assert.That(Path.GetFileName(Blob(Weights)), Has.Length.EqualTo(64), "a file that is stored apart is named by its SHA-256");
        Assert.That(Path.GetFileName(Blob("config.json")), Has.Length.EqualTo(40), "another by git's SHA-1");
        Assert.That(Directory.EnumerateFiles(Repository("blobs")), Has.None.EndsWith(".incomplete"));
        Assert.That(File.Exists(Path.Combine(Cache, ".locks", "models--owner--tiny", $"{Hub.ContentOf(Id, Weights).ETag}.lock")));
        Assert.That(File.ReadAllText(Path.Combine(Cache, "CACHEDIR.TAG")), Does.StartWith("Signature: 8a477f597d28d172789f06886806bc55"));
    }

    [Test]
    public void TheListOfFilesIsKeptAsPythonKeepsIt()
    {
        Hub.PageLength = 2;

        GetModel();

        JsonNode kept = JsonNode.Parse(File.ReadAllText(Repository("trees", $"{PretendHub.Commit}.json")))!;
        HubContent weights = Hub.ContentOf(Id, Weights);
        Assert.That((int)kept["format_version"]!, Is.EqualTo(1));
        Assert.That(
            kept["files"]![Weights]!.ToJsonString(),
            Is.EqualTo($$"""{"size":{{weights.Content.Length}},"blob_id":"{{weights.GitHash}}","lfs_sha256":"{{weights.Sha256}}","lfs_size":{{weights.Content.Length}}}"""));
        Assert.That(kept["files"]!["config.json"]!.ToJsonString(), Is.EqualTo($$"""{"size":{{Hub.ContentOf(Id, "config.json").Content.Length}},"blob_id":"{{Hub.ContentOf(Id, "config.json").GitHash}}"}"""));
        Assert.That(kept["files"]!.AsObject().Count, Is.GreaterThan(4), "all pages were read");
    }

    [Test]
    public void TheModelCanBeLoadedFromThere()
    {
        using ModelFolder model = ModelFolder.Open(GetModel());
        using ModelFolder original = ModelFolder.Open(Model);

        Assert.That(model.Description.ToString(), Is.EqualTo(original.Description.ToString()));
        Assert.That(model.Has("embeddings.word_embeddings.weight"));
    }

    [Test]
    public void WhatIsThereIsNeverFetchedAgain()
    {
        GetModel();
        Hub.Forget();
        DateTime written = File.GetLastWriteTimeUtc(Blob(Weights));

        GetModel();

        Assert.That(Hub.Requests.Select(static request => request.Target), Is.EqualTo(["/api/models/owner/tiny/revision/main"]), "only what commit main is now");
        Assert.That(Hub.StoreRequests, Is.Empty);
        Assert.That(File.GetLastWriteTimeUtc(Blob(Weights)), Is.EqualTo(written));
    }

    [Test]
    public void ACommitThatIsThereNeedsNoHub()
    {
        GetModel(revision: PretendHub.Commit);
        Hub.Forget();

        GetModel(revision: PretendHub.Commit);

        Assert.That(Hub.Requests, Is.Empty);
        Assert.That(Directory.Exists(Repository("refs")), Is.False, "a commit needs no reference");
    }

    [Test]
    public void ANewCommitFetchesOnlyWhatChanged()
    {
        GetModel();
        Hub.Head = new string('a', 40);
        Hub.Forget();

        string folder = GetModel();

        Assert.That(folder, Does.EndWith(Hub.Head));
        Assert.That(Hub.Downloads, Is.Empty, "the contents are the same");
        Assert.That(File.ReadAllText(Repository("refs", "main")), Is.EqualTo(Hub.Head));
        Assert.That(File.Exists(Snapshot(Weights)), "the old snapshot is still whole");
    }

    [Test]
    public void FilesThatPythonFetchedAreTaken()
    {
        HubContent weights = Hub.ContentOf(Id, Weights);
        Directory.CreateDirectory(Repository("blobs"));
        File.WriteAllBytes(Blob(Weights), weights.Content);

        GetModel();

        Assert.That(Hub.StoreRequests, Is.Empty);
        Assert.That(new FileInfo(Snapshot(Weights)).LinkTarget, Is.EqualTo($"../../blobs/{weights.ETag}"));
    }

    [Test]
    public void ALinkThatLeadsNowhereIsMadeAnew()
    {
        GetModel();
        File.Delete(Blob(Weights));

        GetModel();

        Assert.That(File.ReadAllBytes(Snapshot(Weights)), Is.EqualTo(Hub.ContentOf(Id, Weights).Content));
    }

    [Test]
    public void WithoutLinksASnapshotHoldsTheFilesThemselves()
    {
        GetModel(Settings with { Symlinks = false });

        Assert.That(new FileInfo(Snapshot(Weights)).LinkTarget, Is.Null);
        Assert.That(File.ReadAllBytes(Snapshot(Weights)), Is.EqualTo(Hub.ContentOf(Id, Weights).Content));
        Assert.That(File.Exists(Blob(Weights)), Is.False, "it was moved, not doubled");
        Hub.Forget();
        GetModel(Settings with { Symlinks = false });
        Assert.That(Hub.Downloads, Is.Empty);
    }

    [Test]
    public void WithoutLinksABlobThatIsThereIsCopied()
    {
        GetModel();
        File.Delete(Snapshot(Weights));

        GetModel(Settings with { Symlinks = false });

        Assert.That(new FileInfo(Snapshot(Weights)).LinkTarget, Is.Null);
        Assert.That(File.Exists(Blob(Weights)), "another snapshot may point to it");
    }

    [Test]
    public void AnotherRevisionHasItsOwnReference()
    {
        GetModel(revision: "refs/pr/1");

        Assert.That(Hub.Requests[0].Target, Is.EqualTo("/api/models/owner/tiny/revision/refs%2Fpr%2F1"));
        Assert.That(File.ReadAllText(Repository("refs", "refs", "pr", "1")), Is.EqualTo(PretendHub.Commit));
        Assert.That(File.Exists(Repository("refs", "main")), Is.False);
    }

    [Test]
    public void TheReferenceIsWrittenOnlyWhenAllIsThere()
    {
        Hub.StoreFault = static _ => PretendHub.Error(403, "", "no");

        Assert.That(() => GetModel(), Refusal.Saying("which http://127.0.0.1:", " redirects to, answers 403 Forbidden to the question for model.safetensors of the model owner/tiny"));

        Assert.That(File.Exists(Repository("refs", "main")), Is.False, "offline, a cache without the weights would be taken for the model");
        Assert.That(Finished(), Has.None.EndsWith(Weights));
    }

    [Test]
    public void AFileThatDoesNotExistIsNotedAsPythonNotesIt()
    {
        GetModel();
        File.Delete(Snapshot("config.json"));
        Hub.Fault = static request => request.Target.EndsWith("/config.json") && request.Method == "HEAD" ? PretendHub.Error(404, "EntryNotFound", "Entry not found", ("X-Repo-Commit", PretendHub.Commit)) : null;

        Assert.That(() => GetModel(), Refusal.Saying("model owner/tiny", "has no file config.json"));

        Assert.That(new FileInfo(Repository(".no_exist", PretendHub.Commit, "config.json")).Length, Is.Zero);
    }

    [Test]
    public void OnlyWhatLoadingNeedsIsFetched()
    {
        Hub.Add(Id, [.. ModelFiles(),
            ("pytorch_model.bin", Text("weights in the old form", apart: true)), ("onnx/model.onnx", Text("weights", apart: true)), ("train_script.py", Text("print()"))]);

        GetModel();

        Assert.That(Finished().Where(static file => file.Contains("/snapshots/")).Select(Path.GetFileName), Has.None.AnyOf("pytorch_model.bin", "model.onnx", "train_script.py", "vocab.txt"));
    }

    [Test]
    public void TheNetworkIsRefusedBeforeItsWeightsAreFetched()
    {
        Hub.Add(Id, ("config.json", Text("""{"model_type": "roberta"}""")), (Weights, Text("large", apart: true)), ("tokenizer.json", Text("{}")));

        Assert.That(() => GetModel(), Refusal.Saying("roberta"));

        Assert.That(Hub.StoreRequests, Is.Empty);
    }

    [Test]
    public void WeightsInSeveralFilesAreFetchedByTheirIndex()
    {
        string[] shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        Hub.Add(Id, ("config.json", new HubContent(File.ReadAllBytes(Path.Combine(Model, "config.json")), false)),
            ("model.safetensors.index.json", Text($$"""{"weight_map": {"a": "{{shards[1]}}", "b": "{{shards[0]}}", "c": "{{shards[1]}}" } }""")),
            (shards[0], Text("one", apart: true)), (shards[1], Text("two", apart: true)), ("model-00003-of-00003.safetensors", Text("left over", apart: true)));

        GetModel();

        Assert.That(shards.Select(shard => File.ReadAllText(Snapshot(shard))), Is.EqualTo(["one", "two"]));
        Assert.That(Hub.StoreRequests, Has.Count.EqualTo(2));
    }

    [Test]
    public void ARepositoryWithoutAModelIsRefused()
    {
        Hub.Add(Id, ("README.md", Text("hello")));

        Assert.That(() => GetModel(), Refusal.Saying("the model owner/tiny on http://127.0.0.1", "holds no model", "modules.json", "config.json"));
    }

    [Test]
    public void APathThatLeadsOutOfTheSnapshotIsNotTaken()
    {
        Hub.Add(Id, [.. ModelFiles(), ("../../escaped.json", Text("{}"))]);

        GetModel();

        Assert.That(Directory.EnumerateFiles(Cache, "escaped.json", SearchOption.AllDirectories), Is.Empty);
        Assert.That(File.ReadAllText(Repository("trees", $"{PretendHub.Commit}.json")), Does.Not.Contain("escaped"));
    }

    private static IEnumerable<(string Path, HubContent Content)> ModelFiles() => Directory
        .EnumerateFiles(Model, "*", SearchOption.AllDirectories)
        .Select(static file => (Path.GetRelativePath(Model, file).Replace('\\', '/'), new HubContent(File.ReadAllBytes(file), file.EndsWith(".safetensors"))));
}
