using MnrEngine.Hub;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Hub;

/// <summary>Answers that are none: each is one sentence that says what to do, and leaves nothing behind.</summary>
public sealed class HubErrorTests : HubTest
{
    [TearDown]
    public void NothingIsLeft() => Assert.That(Finished(), Is.Empty);

    [Test]
    public void ARepositoryThatDoesNotExist() =>
        Assert.That(() => GetModel(id: "owner/none"), Refusal.Saying($"there is no model owner/none on {Hub.Address}, or it is private: then set HF_TOKEN"));

    [Test]
    public void ARepositoryThatDoesNotExistForTheToken()
    {
        Hub.Fault = static _ => PretendHub.Error(404, "RepoNotFound", "Repository not found");

        Assert.That(() => GetModel(Settings with { Token = "hf_secret" }), Refusal.Saying("there is no model owner/tiny", "the token in use has no access"));
    }

    [Test]
    public void ARevisionThatDoesNotExist() =>
        Assert.That(() => GetModel(revision: "v9"), Refusal.Saying($"the model owner/tiny on {Hub.Address} has no revision v9"));

    [TestCase(401, null, "is gated: accept its terms there, then set HF_TOKEN to a token of your account")]
    [TestCase(403, "hf_secret", "is gated: accept its terms there, then use a token of that account in HF_TOKEN, since the one in use has no access")]
    public void AGatedRepository(int status, string? token, string sentence)
    {
        Hub.Fault = request => request.Target.StartsWith("/api") ? null : PretendHub.Error(status, "GatedRepo", "Access to model owner/tiny is restricted.");

        Assert.That(() => GetModel(Settings with { Token = token }), Refusal.Saying("the model owner/tiny on ", sentence));
    }

    [Test]
    public void ATokenThatIsWrong()
    {
        Hub.Fault = static _ => PretendHub.Error(401, "", "Invalid credentials in Authorization header");

        InputException error = Assert.Throws<InputException>(() => GetModel(Settings with { Token = "hf_secret" }));

        Assert.That(error.Message, Does.Contain("does not accept the token in HF_TOKEN").And.Not.Contain("hf_secret"));
    }

    [Test]
    public void AccessThatIsForbidden()
    {
        Hub.Fault = static _ => PretendHub.Error(403, "", "Access to this resource is disabled.");

        Assert.That(() => GetModel(), Refusal.Saying("refuses the model owner/tiny (Access to this resource is disabled): set HF_TOKEN"));
        Assert.That(Waits, Is.Empty, "there is no use in trying again");
    }

    [Test]
    public void AHubThatIsBusyIsAskedAgain()
    {
        int busy = 0;
        Hub.Fault = request => request.Method == "HEAD" && busy++ < 2 ? PretendHub.Error(503, "") : null;

        GetModel();

        Assert.That(Waits.Select(static wait => wait.TotalSeconds), Is.EqualTo([1, 2]));
        Directory.Delete(Cache, recursive: true);
    }

    [Test]
    public void AHubThatAsksToWaitIsWaitedFor()
    {
        int busy = 0;
        Hub.Fault = request => busy++ < 1 ? PretendHub.Error(429, "", "", ("Retry-After", "17")) : null;

        GetModel();

        Assert.That(Waits, Is.EqualTo([TimeSpan.FromSeconds(17)]));
        Directory.Delete(Cache, recursive: true);
    }

    [Test]
    public void ARateLimitIsWaitedOut()
    {
        int busy = 0;
        Hub.Fault = request => busy++ < 1 ? PretendHub.Error(429, "", "", ("RateLimit", "\"api\";r=0;t=55"), ("RateLimit-Policy", "\"fixed window\";\"api\";q=500;w=300")) : null;

        GetModel();

        Assert.That(Waits, Is.EqualTo([TimeSpan.FromSeconds(56)]));
        Assert.That(Shown.Messages, Is.EqualTo(["127.0.0.1 asks to wait 56 s"]));
        Directory.Delete(Cache, recursive: true);
    }

    [Test]
    public void AHubThatAsksToWaitForLongIsNotWaitedFor()
    {
        Hub.Fault = static _ => PretendHub.Error(429, "", "", ("Retry-After", "3600"));

        Assert.That(() => GetModel(), Refusal.Saying("too many requests", "asks to wait 3600 s", "try again later", "HF_TOKEN"));
        Assert.That(Waits, Is.Empty);
    }

    [TestCase(500)]
    [TestCase(502)]
    [TestCase(504)]
    public void AHubThatStaysBusyIsGivenUp(int status)
    {
        Hub.Fault = _ => PretendHub.Error(status, "");

        Assert.That(() => GetModel(), Refusal.Saying($"{Hub.Address} answers {status} ", "to the question for the model owner/tiny"));
        Assert.That(Waits.Select(static wait => wait.TotalSeconds), Is.EqualTo([1, 2, 4, 8, 8]));
        Assert.That(Hub.Requests, Has.Count.EqualTo(6));
    }

    [Test]
    public void NobodyThere()
    {
        string address = Hub.Address;
        Hub.Dispose();

        Assert.That(() => GetModel(Settings with { Endpoint = address }), Refusal.Saying($"{address[7..]} can't be reached: no connection can be made"));
    }

    [Test]
    public void ANameThatNobodyKnows() =>
        Assert.That(() => GetModel(Settings with { Endpoint = "http://hub.invalid" }), Refusal.Saying("hub.invalid can't be reached: its name can't be resolved; is there a network?"));

    [Test]
    public void AServerThatIsNoHub()
    {
        Hub.Fault = static _ => new HttpAnswer(200, "<html>please log in</html>"u8.ToArray());

        Assert.That(() => GetModel(), Refusal.Saying("does not answer as the Hugging Face hub does", "HF_ENDPOINT"));
    }

    [Test]
    public void AFileWithoutWhatAHubSaysOfIt()
    {
        Hub.Fault = static request => request.Method == "HEAD" ? new HttpAnswer(200, "<html>please log in</html>"u8.ToArray(), ("ETag", "\"abc\"")) : null;

        Assert.That(() => GetModel(), Refusal.Saying("without the commit, ETag and size that the Hugging Face hub would give"));
    }

    [TestCase("../../../etc/passwd")]
    [TestCase("a/b")]
    public void AnETagThatIsAPath(string etag)
    {
        Hub.Fault = request => request.Method == "HEAD" ? new HttpAnswer(200, [1], ("ETag", $"\"{etag}\""), ("X-Repo-Commit", PretendHub.Commit)) : null;

        Assert.That(() => GetModel(), Refusal.Saying($"the ETag {etag}", "none of a Hugging Face hub"));
    }

    [Test]
    public void OfflineWithAnEmptyCache()
    {
        Assert.That(() => GetModel(Settings with { Offline = true }), Refusal.Saying("the model owner/tiny is not in the cache (", "models--owner--tiny), and HF_HUB_OFFLINE is set"));
        Assert.That(Hub.Requests, Is.Empty);
    }
}
