using System.Text.Json;
using MnrEngine.Serialization;

namespace MnrEngine.Hub;

/// <summary>The files of a repository at one commit: which there are, and each on demand in the cache.</summary>
internal sealed class HubSnapshot
{
    private readonly HubSettings _settings;
    private readonly HubHttp _http;
    private readonly HubRepository _repository;
    private readonly HubCache _cache;
    private readonly IDownloadProgress _progress;

    // Why nothing can be fetched, to complete a sentence; null when the hub answers.
    private readonly string? _unreachable;

    private HubSnapshot(HubSettings settings, HubHttp http, HubRepository repository, HubCache cache, IDownloadProgress progress, string commit, string? unreachable)
    {
        _settings = settings;
        _http = http;
        _repository = repository;
        _cache = cache;
        _progress = progress;
        _unreachable = unreachable;
        Commit = commit;
        Listing = List();
    }

    /// <summary>The commit.</summary>
    public string Commit { get; }

    /// <summary>Its files.</summary>
    public HubListing Listing { get; }

    /// <summary>What it is, for a sentence.</summary>
    public string Name => Listing.IsComplete ? $"the {_repository} on {_settings.Endpoint}" : $"what the cache has of the {_repository} ({Folder})";

    /// <summary>The folder of its files.</summary>
    public string Folder => _cache.Snapshot(Commit);

    /// <summary>Finds out what commit a revision is. Where the hub can't be asked, it is the one it was when it was last asked.</summary>
    /// <exception cref="HubException">There is no such repository or revision, or nothing is known of it.</exception>
    public static HubSnapshot Open(HubSettings settings, HubHttp http, HubRepository repository, IDownloadProgress progress)
    {
        HubCache cache = new(settings, repository);
        string? known = repository.IsCommit ? repository.Revision : cache.ReadReference(repository.Revision);
        if (settings.Offline)
        {
            const string Reason = "HF_HUB_OFFLINE is set";
            return known is not null ? Of(known, Reason) : throw NotCached(repository, cache, Reason);
        }

        if (repository.IsCommit)
        {
            return Of(repository.Revision, null);
        }

        try
        {
            return Of(Ask(settings, http, repository, patient: known is null), null);
        }
        catch (HubException error) when (error.Failure is HubFailure.NotReachable or HubFailure.Refused && known is not null && Directory.Exists(cache.Snapshot(known)))
        {
            progress.Message($"{error.Message}; the {repository} is taken from the cache as it was when it was last fetched ({known[..7]})");
            return Of(known, error.Message);
        }

        HubSnapshot Of(string commit, string? unreachable) => new(settings, http, repository, cache, progress, commit, unreachable);
    }

    /// <summary>The file's path in the cache; it is fetched first if it is not there.</summary>
    /// <param name="path">Its path in the repository, one of <see cref="Listing"/>.</param>
    /// <exception cref="HubException">It can't be had.</exception>
    public string Fetch(string path)
    {
        string pointer = _cache.Pointer(Commit, path);
        if (HubCache.IsThere(pointer))
        {
            return pointer;
        }

        if (_unreachable is not null)
        {
            throw new HubException(HubFailure.NotCached, $"{path} of the {_repository} is not in the cache ({_cache.Snapshot(Commit)}), and {_unreachable}");
        }

        HubFileMetadata metadata = Head(path);
        string blob = _cache.Blob(metadata.ETag);
        _cache.Prepare(metadata.ETag, pointer);
        using FileStream held = ExclusiveFile.Open(_cache.Lock(metadata.ETag), () => _progress.Message($"waiting for another process that fetches {_repository.Id}/{path}"));
        if (!HubCache.IsThere(pointer))
        {
            bool isNew = !HubCache.IsThere(blob);
            if (isNew)
            {
                new HubDownload(_http, _repository, Commit, _progress).Fetch(Listing.Files[path], metadata, _cache.Incomplete(metadata.ETag), blob);
            }

            _cache.Link(blob, pointer, isNew);
        }

        return pointer;
    }

    /// <summary>Notes, once everything that was needed is there, that the revision is this commit: so that what the cache has offline is always whole.</summary>
    public void Remember()
    {
        if (_unreachable is null && Directory.Exists(Folder))
        {
            _cache.WriteReference(_repository.Revision, Commit);
        }
    }

    private static string Ask(HubSettings settings, HubHttp http, HubRepository repository, bool patient)
    {
        string address = repository.InfoAddress(settings.Endpoint);
        (byte[] content, _) = http.GetApi(address, repository, patient);
        try
        {
            using JsonDocument document = JsonFile.Parse(content, $"the answer of {settings.Endpoint} about the {repository}");
            if (document.RootElement.GetProperty("sha").GetString() is string commit && HubRepository.LooksLikeCommit(commit))
            {
                return commit;
            }
        }
        catch (Exception error) when (error is InputException or InvalidOperationException or KeyNotFoundException)
        {
            throw NoHub(error);
        }

        throw NoHub(null);

        HubException NoHub(Exception? inner) => new(HubFailure.NotReachable, $"{settings.Endpoint} does not answer as the Hugging Face hub does when it is asked for the {repository}: is something between here and there, or HF_ENDPOINT wrong?", inner);
    }

    private static HubException NotCached(HubRepository repository, HubCache cache, string reason) => new(
        HubFailure.NotCached, $"the {repository}{(repository.Revision == HubRepository.DefaultRevision ? "" : $" at {repository.Revision}")} is not in the cache ({Path.GetDirectoryName(Path.GetDirectoryName(cache.Snapshot("-")))}), and {reason}");

    private HubListing List()
    {
        string kept = _cache.Tree(Commit);
        if (HubListing.Load(kept) is HubListing listing)
        {
            return listing;
        }

        if (_unreachable is not null)
        {
            return Directory.Exists(Folder) ? HubListing.FromSnapshot(Folder) : throw NotCached(_repository, _cache, _unreachable);
        }

        try
        {
            listing = HubListing.FromApi(Pages(), $"the answer of {_settings.Endpoint} about the files of the {_repository}");
        }
        catch (InputException error)
        {
            throw new HubException(HubFailure.NotReachable, error.Message, error);
        }
        catch (HubException error) when (error.Failure == HubFailure.NotReachable && Directory.Exists(Folder))
        {
            _progress.Message($"{error.Message}; the {_repository} is taken from the cache as far as it is there");
            return HubListing.FromSnapshot(Folder);
        }

        try
        {
            listing.Save(kept);
        }
        catch (InputException)
        {
            // A cache that can only be read may still hold everything.
        }

        return listing;
    }

    private IEnumerable<byte[]> Pages()
    {
        for (string? address = _repository.TreeAddress(_settings.Endpoint, Commit); address is not null;)
        {
            (byte[] content, address) = _http.GetApi(address, _repository);
            yield return content;
        }
    }

    private HubFileMetadata Head(string path)
    {
        try
        {
            return _http.Head(_repository, Commit, path);
        }
        catch (HubException error) when (error.Failure == HubFailure.NoFile)
        {
            _cache.WriteNoExist(Commit, path);
            throw;
        }
    }
}
