using System.Text;
using MnrEngine.Hub;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Hub;

/// <summary>Downloads that go wrong on the way: they go on, or end in a sentence with nothing half-written left.</summary>
public sealed class HubDownloadTests : HubTest
{
    private byte[] Content => Hub.ContentOf(Id, Weights).Content;

    private string Incomplete => Blob(Weights) + ".incomplete";

    [Test]
    public void ACutConnectionGoesOnWhereItWasCut()
    {
        int cuts = 0;
        Hub.StoreFault = request => cuts++ < 3 ? Part(request) with { CutAfter = 1000 } : null;

        GetModel();

        Assert.That(Hub.StoreRequests.Select(static request => request.Header("Range")), Is.EqualTo([null, "bytes=1000-", "bytes=2000-", "bytes=3000-"]));
        Assert.That(File.ReadAllBytes(Snapshot(Weights)), Is.EqualTo(Content));
        Assert.That(Waits, Is.EqualTo(Enumerable.Repeat(TimeSpan.FromSeconds(1), 3)), "each time it had come further");
        Assert.That(Shown.Begun, Has.One.EqualTo(("owner/tiny/model.safetensors", (long)Content.Length, 0L)));
        Assert.That(Shown.Steps[^1], Is.EqualTo(Content.Length));
    }

    [Test]
    public void AConnectionThatBringsNothingIsGivenUpInTheEnd()
    {
        Hub.StoreFault = request => Part(request) with { CutAfter = request.RangeStart == 0 ? 1000 : 0 };

        Assert.That(() => GetModel(), Refusal.Saying("model.safetensors of the model owner/tiny broke off after 1,000 of ", "goes on from there"));

        Assert.That(Waits.Select(static wait => wait.TotalSeconds), Is.EqualTo([1, 2, 4, 8, 8]));
        Assert.That(File.ReadAllBytes(Incomplete), Is.EqualTo(Content[..1000]));
        Assert.That(Finished(), Has.None.EndsWith(Weights));
        Hub.StoreFault = null;
        Hub.Forget();
        GetModel();
        Assert.That(Hub.StoreRequests.Select(static request => request.Header("Range")), Is.EqualTo(["bytes=1000-"]), "a later run goes on");
        Assert.That(File.ReadAllBytes(Snapshot(Weights)), Is.EqualTo(Content));
        Assert.That(File.Exists(Incomplete), Is.False);
    }

    [Test]
    public void WhatPythonLeftIncompleteIsCompleted()
    {
        Directory.CreateDirectory(Repository("blobs"));
        File.WriteAllBytes(Incomplete, Content[..5000]);

        GetModel();

        Assert.That(Hub.StoreRequests.Select(static request => request.Header("Range")), Is.EqualTo(["bytes=5000-"]));
        Assert.That(Shown.Begun, Has.One.EqualTo(("owner/tiny/model.safetensors", (long)Content.Length, 5000L)));
        Assert.That(File.ReadAllBytes(Snapshot(Weights)), Is.EqualTo(Content));
    }

    [TestCase(5000, TestName = "AnIncompleteFileOfWrongBytesIsFetchedAnew")]
    [TestCase(int.MaxValue, TestName = "AnIncompleteFileThatIsTooLongIsFetchedAnew")]
    public void AnIncompleteFileThatIsWrongIsFetchedAnew(int length)
    {
        Directory.CreateDirectory(Repository("blobs"));
        File.WriteAllBytes(Incomplete, new byte[Math.Min(length, Content.Length + 1)]);

        GetModel();

        Assert.That(File.ReadAllBytes(Snapshot(Weights)), Is.EqualTo(Content));
        Assert.That(Hub.StoreRequests[^1].Header("Range"), Is.Null);
    }

    [Test]
    public void AServerThatSendsAllWhereTheRestWasAskedForIsUnderstood()
    {
        Directory.CreateDirectory(Repository("blobs"));
        File.WriteAllBytes(Incomplete, Content[..5000]);
        Hub.StoreFault = _ => new HttpAnswer(200, Content);

        GetModel();

        Assert.That(File.ReadAllBytes(Snapshot(Weights)), Is.EqualTo(Content));
        Assert.That(Hub.StoreRequests, Has.Count.EqualTo(1));
    }

    [Test]
    public void AServerThatSendsAnotherPartIsAskedForAll()
    {
        Directory.CreateDirectory(Repository("blobs"));
        File.WriteAllBytes(Incomplete, Content[..5000]);
        Hub.StoreFault = request => request.RangeStart == 0 ? null : new HttpAnswer(206, Content[6000..], ("Content-Range", $"bytes 6000-{Content.Length - 1}/{Content.Length}"));

        GetModel();

        Assert.That(File.ReadAllBytes(Snapshot(Weights)), Is.EqualTo(Content));
    }

    [TestCase(Weights, "SHA-256")]
    [TestCase("config.json", "git hash")]
    public void ContentWithAnotherSumIsNotUsed(string path, string sum)
    {
        byte[] spoilt = [.. Hub.ContentOf(Id, path).Content];
        spoilt[^1] ^= 1;
        Func<HttpRequest, HttpAnswer?> spoil = request => request.Method != "GET" || request.Target.StartsWith("/api") ? null : new HttpAnswer(200, spoilt);
        Hub.StoreFault = path == Weights ? spoil : null;
        Hub.Fault = request => path != Weights && request.Target.EndsWith($"/{path}") ? spoil(request) : null;

        Assert.That(() => GetModel(), Refusal.Saying($"{path} of the model owner/tiny arrived damaged", $"its {sum} is ", $"but {Hub.ContentOf(Id, path).ETag} was promised"));

        Assert.That(Finished(), Has.None.EndsWith(path));
        Assert.That(File.Exists(Blob(path)), Is.False);
        Assert.That(new FileInfo(Blob(path) + ".incomplete").Length, Is.Zero, "the next attempt begins anew");
        Hub.StoreFault = Hub.Fault = null;
        Assert.That(File.ReadAllBytes(Path.Combine(GetModel(), path)), Is.EqualTo(Hub.ContentOf(Id, path).Content));
    }

    [Test]
    public void MoreThanWasPromisedIsNotUsed()
    {
        Hub.StoreFault = _ => new HttpAnswer(200, [.. Content, 0]);

        Assert.That(() => GetModel(), Refusal.Saying("more than the ", "bytes of model.safetensors"));

        Assert.That(File.Exists(Blob(Weights)), Is.False);
    }

    [Test]
    public void ATokenGoesToTheHubAndNowhereElse()
    {
        GetModel(Settings with { Token = "hf_secret" });

        Assert.That(Hub.Requests.Select(static request => request.Header("Authorization")), Is.All.EqualTo("Bearer hf_secret"));
        Assert.That(Hub.StoreRequests, Is.Not.Empty);
        Assert.That(Hub.StoreRequests.SelectMany(static request => request.Headers).Select(static header => header.Key + header.Value), Has.None.Contains("hf_secret").And.None.StartsWith("Authorization"));
    }

    [Test]
    public void WithoutATokenNoneIsSent()
    {
        GetModel();

        Assert.That(Hub.Requests.Select(static request => request.Header("Authorization")), Is.All.Null);
    }

    [Test]
    public void ARenamedRepositoryIsFollowedWithTheToken()
    {
        Hub.Fault = request => request.Target.Contains("/old-name") ? new HttpAnswer(307, [], ("Location", request.Target.Replace("/old-name", "/owner/tiny"))) : null;

        string folder = GetModel(Settings with { Token = "hf_secret" }, id: "old-name");

        Assert.That(folder, Is.EqualTo(Path.Combine(Cache, "models--old-name", "snapshots", PretendHub.Commit)));
        Assert.That(Hub.Requests.Select(static request => request.Header("Authorization")), Is.All.EqualTo("Bearer hf_secret"));
    }

    [Test]
    public void RedirectsWithoutEndAreNotFollowedForEver()
    {
        Hub.Fault = static request => new HttpAnswer(302, [], ("Location", request.Target));

        Assert.That(() => GetModel(), Refusal.Saying("127.0.0.1 redirects without end"));
    }

    [Test]
    public void AnUnknownSchemeIsNotFollowed()
    {
        Hub.Fault = static _ => new HttpAnswer(302, [], ("Location", "ftp://elsewhere/file"));

        Assert.That(() => GetModel(), Refusal.Saying("redirects to ftp://elsewhere, which is not secure"));
    }

    [Test]
    public void AServerThatFallsSilentIsGivenUp()
    {
        using ManualResetEventSlim never = new();
        Hub.Fault = request =>
        {
            never.Wait(TimeSpan.FromSeconds(20));
            return null;
        };

        Assert.That(() => GetModel(Settings with { MetadataTimeout = TimeSpan.FromMilliseconds(50) }), Refusal.Saying("can't be reached: it does not answer for "));

        Assert.That(Waits, Has.Count.EqualTo(2), "it was asked again");
        never.Set();
    }

    [Test]
    public void AFileLargerThanTheDiskIsNotBegun()
    {
        Hub.Fault = request => request.Method == "HEAD" && request.Target.EndsWith(Weights)
            ? new HttpAnswer(200, [], ("X-Repo-Commit", PretendHub.Commit), ("ETag", new string('e', 64)), ("X-Linked-Size", "900000000000000000")) : null;

        Assert.That(() => GetModel(), Refusal.Saying("owner/tiny/model.safetensors needs another 900,000,000,000,000,000 bytes, but only "));

        Assert.That(Hub.StoreRequests, Is.Empty);
    }

    [Test]
    [Platform("Linux")]
    public void AFullDiskIsASentence()
    {
        Directory.CreateDirectory(Repository("blobs"));
        File.CreateSymbolicLink(Incomplete, "/dev/full");

        Assert.That(() => GetModel(), Refusal.Saying(".incomplete can't be written", "No space left on device"));

        Assert.That(Finished(), Has.None.EndsWith(Weights));
    }

    [Test]
    public void ACacheThatCanNotBeWrittenIsASentence()
    {
        File.WriteAllText(Cache, "a file where a folder is needed");

        Assert.That(() => GetModel(), Refusal.Saying("the model owner/tiny can't be kept in the cache ", Cache));
    }

    [Test]
    public void AnEmptyFileIsAFile()
    {
        Hub.Add("datasets/owner/empty", ("train.tsv", Text("")));

        Assert.That(File.ReadAllText(GetDataset("owner/empty").Single()), Is.Empty);
    }

    [Test]
    public void TwoClientsAtOnceFetchEachContentOnce()
    {
        using CountdownEvent both = new(2);
        Hub.Fault = request =>
        {
            if (request.Method == "HEAD" && request.Target.EndsWith(Weights))
            {
                both.Signal();
            }

            return null;
        };
        Hub.StoreFault = _ =>
        {
            // The first one gets its content only when the second wants it too.
            both.Wait(TimeSpan.FromSeconds(20));
            return null;
        };

        Parallel.Invoke(() => GetModel(), () => GetModel());

        Assert.That(both.IsSet);
        Assert.That(Hub.StoreRequests, Has.Count.EqualTo(1));
        Assert.That(File.ReadAllBytes(Snapshot(Weights)), Is.EqualTo(Content));
    }

    private HttpAnswer Part(HttpRequest request) => request.RangeStart == 0 ? new HttpAnswer(200, Content)
        : new HttpAnswer(206, Content[(int)request.RangeStart..], ("Content-Range", $"bytes {request.RangeStart}-{Content.Length - 1}/{Content.Length}"));
}
