using MnrEngine.Serialization;

namespace MnrEngine.Hub;

/// <summary>
/// Gets models and data sets of the Hugging Face hub onto the disk: into the cache that Python's huggingface_hub keeps too, fetching what is not there.
/// Contents are verified, downloads that broke off go on where they stopped, and other processes may fetch the same at the same time.
/// </summary>
public sealed class HubClient : IDisposable
{
    private readonly HubSettings _settings;
    private readonly HubHttp _http;
    private readonly IDownloadProgress _progress;

    /// <summary>A client of a hub.</summary>
    /// <param name="settings">Where the hub and the cache are.</param>
    /// <param name="progress">Is told how downloads go; null to tell nobody.</param>
    public HubClient(HubSettings settings, IDownloadProgress? progress = null)
    {
        _settings = settings;
        _progress = progress ?? new NoProgress();
        _http = new HubHttp(settings, _progress);
    }

    /// <summary>Gets a model: of its files, those that loading needs.</summary>
    /// <param name="repository">The model.</param>
    /// <returns>A folder that <see cref="ModelFolder.Open"/> opens.</returns>
    /// <exception cref="InputException">There is no such model, it is none that can be loaded, or it can't be fetched.</exception>
    public string GetModel(HubRepository repository) => Get(repository, HubKind.Model, static snapshot =>
    {
        ModelDownload.Fetch(snapshot);
        return snapshot.Folder;
    });

    /// <summary>Gets of a model what a tokenizer needs.</summary>
    /// <param name="repository">The model.</param>
    /// <returns>A folder that <see cref="Text.WordPieceTokenizer.Load"/> loads.</returns>
    /// <exception cref="InputException">There is no such model, or it can't be fetched.</exception>
    public string GetTokenizer(HubRepository repository) => Get(repository, HubKind.Model, ModelDownload.FetchTokenizer);

    /// <summary>Gets the files of a data set's split, which are chosen as Python's datasets library chooses them.</summary>
    /// <param name="repository">The data set.</param>
    /// <param name="subset">One of its subsets (a configuration, in that library's words); null for its default.</param>
    /// <param name="split">The split; null for train.</param>
    /// <param name="preferred">Which subset is taken where none is named and none is the default: the first of these that there is.</param>
    /// <returns>The files in their order.</returns>
    /// <exception cref="InputException">There is no such data set, subset or split, or it can't be fetched.</exception>
    public IReadOnlyList<string> GetDataset(HubRepository repository, string? subset = null, string? split = null, IReadOnlyList<string>? preferred = null) =>
        Get(repository, HubKind.Dataset, snapshot => DatasetDownload.Fetch(snapshot, repository, new DatasetWish(subset, split, preferred ?? []), _progress));

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private T Get<T>(HubRepository repository, HubKind kind, Func<HubSnapshot, T> fetch)
    {
        if (repository.Kind != kind)
        {
            throw new ArgumentException($"a {kind} is expected, but {repository} is given", nameof(repository));
        }

        try
        {
            HubSnapshot snapshot = HubSnapshot.Open(_settings, _http, repository, _progress);
            T result = fetch(snapshot);
            snapshot.Remember();
            return result;
        }
        catch (HubException error)
        {
            throw new InputException(error.Message, error);
        }
        catch (Exception error) when (Durable.IsRefusal(error))
        {
            throw new InputException($"the {repository} can't be kept in the cache {_settings.CacheFolder}: {error.Message.ReplaceLineEndings(" ")}", error);
        }
    }
}
