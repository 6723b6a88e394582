using MnrEngine.Hub;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Hub;

/// <summary>What the cache gives when the hub can't be asked.</summary>
public sealed class HubOfflineTests : HubTest
{
    private HubSettings Offline => Settings with { Offline = true };

    [Test]
    public void TheCacheIsEnoughAndNobodyIsAsked()
    {
        string online = GetModel();
        Hub.Forget();

        Assert.That(GetModel(Offline), Is.EqualTo(online));
        Assert.That(GetModel(Offline, revision: PretendHub.Commit), Is.EqualTo(online));

        Assert.That(Hub.Requests, Is.Empty);
    }

    [Test]
    public void WhatIsMissingIsNamed()
    {
        GetModel();
        File.Delete(Snapshot(Weights));

        Assert.That(() => GetModel(Offline), Refusal.Saying("model.safetensors of the model owner/tiny is not in the cache", "HF_HUB_OFFLINE is set"));
    }

    [Test]
    public void ACacheThatAnOlderPythonFilledHasNoList()
    {
        GetModel();
        Directory.Delete(Repository("trees"), recursive: true);

        Assert.That(GetModel(Offline), Is.EqualTo(Snapshot()));
    }

    [Test]
    public void ACacheWithoutAListThatLacksTheWeightsIsRefused()
    {
        GetModel();
        Directory.Delete(Repository("trees"), recursive: true);
        File.Delete(Snapshot(Weights));

        Assert.That(() => GetModel(Offline), Refusal.Saying("what the cache has of the model owner/tiny", "holds no weights"));
    }

    [Test]
    public void AnotherRevisionIsNotGuessed()
    {
        GetModel();

        Assert.That(() => GetModel(Offline, revision: "v2"), Refusal.Saying("the model owner/tiny at v2 is not in the cache"));
    }

    [Test]
    public void WithoutANetworkTheCacheIsTakenAndThatIsSaid()
    {
        string online = GetModel();
        string address = Hub.Address;
        Hub.Dispose();
        Waits.Clear();

        Assert.That(GetModel(Settings with { Endpoint = address }), Is.EqualTo(online));

        Assert.That(Shown.Messages.Single(), Does.Contain("can't be reached").And.Contain("the model owner/tiny is taken from the cache as it was when it was last fetched (0123456)"));
        Assert.That(Waits, Is.Empty, "with the model at hand nobody waits");
    }

    [Test]
    public void AHubThatFailsIsNoObstacleEither()
    {
        string online = GetModel();
        Hub.Fault = static _ => PretendHub.Error(500, "");

        Assert.That(GetModel(), Is.EqualTo(online));
    }

    [Test]
    public void ARevisionThatIsGoneIsNotTakenFromTheCache()
    {
        GetModel();
        Hub.Fault = static _ => PretendHub.Error(404, "RevisionNotFound");

        Assert.That(() => GetModel(), Refusal.Saying("has no revision main"));
    }

    [Test]
    public void MissingShardsAreNoticedWithoutAList()
    {
        Hub.Add("datasets/owner/rows", [.. Enumerable.Range(0, 3).Select(static i => ($"data/train-0000{i}-of-00003.parquet", Text($"part {i}", apart: true)))]);
        string missing = GetDataset("owner/rows")[1];
        Directory.Delete(Path.Combine(Cache, "datasets--owner--rows", "trees"), recursive: true);
        Assert.That(GetDataset("owner/rows", settings: Offline), Has.Count.EqualTo(3));
        File.Delete(missing);

        Assert.That(() => GetDataset("owner/rows", settings: Offline), Refusal.Saying("has only 2 of the 3 files of train"));
    }
}
