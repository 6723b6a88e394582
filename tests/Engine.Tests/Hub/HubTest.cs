using System.Text;
using MnrEngine.Hub;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Hub;

/// <summary>A hub on this machine with a tiny model, and an empty cache.</summary>
public abstract class HubTest
{
    protected const string Id = "owner/tiny";
    protected const string Weights = "model.safetensors";

    private TemporaryFolder _folder = null!;

    protected PretendHub Hub { get; private set; } = null!;

    protected string Cache => _folder.Path("hub");

    /// <summary>What was waited for between attempts.</summary>
    protected List<TimeSpan> Waits { get; } = [];

    internal Progress Shown { get; private set; } = null!;

    protected static string Model => Fixtures.Path("models", "tiny-bert");

    [SetUp]
    public void StartHub()
    {
        _folder = new TemporaryFolder();
        Hub = new PretendHub();
        Hub.AddFolder(Id, Model, ".safetensors");
        Waits.Clear();
        Shown = new Progress();
    }

    [TearDown]
    public void StopHub()
    {
        Hub.Dispose();
        _folder.Dispose();
    }

    protected HubSettings Settings => new() { Endpoint = Hub.Address, CacheFolder = Cache, Wait = Waits.Add };

    protected string Repository(params string[] parts) => Path.Combine([Cache, "models--owner--tiny", .. parts]);

    protected string Snapshot(params string[] parts) => Repository(["snapshots", PretendHub.Commit, .. parts]);

    protected string Blob(string path) => Repository("blobs", Hub.ContentOf(Id, path).ETag);

    protected static HubRepository Parse(string id, HubKind kind = HubKind.Model, string? revision = null) => HubRepository.TryParse(id, kind, revision)!;

    protected string GetModel(HubSettings? settings = null, string id = Id, string? revision = null)
    {
        using HubClient client = new(settings ?? Settings, Shown);
        return client.GetModel(Parse(id, revision: revision));
    }

    protected IReadOnlyList<string> GetDataset(string id, string? subset = null, string? split = null, HubSettings? settings = null)
    {
        using HubClient client = new(settings ?? Settings, Shown);
        return client.GetDataset(Parse(id, HubKind.Dataset), subset, split);
    }

    protected static HubContent Text(string text, bool apart = false) => new(Encoding.UTF8.GetBytes(text), apart);

    /// <summary>Everything in the cache that Python would take for a finished file.</summary>
    protected string[] Finished() => Directory.Exists(Cache)
        ? [.. Directory.EnumerateFiles(Cache, "*", SearchOption.AllDirectories).Where(static file => file.Contains("/snapshots/") || (file.Contains("/blobs/") && !file.EndsWith(".incomplete")))]
        : [];

    internal sealed class Progress : IDownloadProgress
    {
        public List<(string File, long Size, long Present)> Begun { get; } = [];

        public List<long> Steps { get; } = [];

        public List<string> Messages { get; } = [];

        public int Ended { get; private set; }

        public void Begin(string file, long size, long present) => Begun.Add((file, size, present));

        public void Reached(long present) => Steps.Add(present);

        public void End() => Ended++;

        public void Message(string line) => Messages.Add(line);
    }
}
