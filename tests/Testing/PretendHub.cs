using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace MnrEngine.Testing;

/// <summary>A file of a repository of the <see cref="PretendHub"/>.</summary>
/// <param name="Content">Its content.</param>
/// <param name="IsLfs">Whether it is stored apart, as large files are: on another host, and named by its SHA-256.</param>
public sealed record HubContent(byte[] Content, bool IsLfs)
{
    /// <summary>The SHA-256 of the content.</summary>
    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(Content));

    /// <summary>git's name for the content, or for the pointer to it.</summary>
    public string GitHash => Git(IsLfs ? Encoding.ASCII.GetBytes($"version https://git-lfs.github.com/spec/v1\noid sha256:{Sha256}\nsize {Content.Length}\n") : Content);

    /// <summary>The name that the cache knows it by.</summary>
    public string ETag => IsLfs ? Sha256 : GitHash;

    private static string Git(byte[] content) => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));
}

/// <summary>
/// Plays the Hugging Face hub: the API's info and tree, and resolve, which answers with a small file or redirects to a second server for one that is
/// stored apart. Both are on 127.0.0.1.
/// </summary>
public sealed class PretendHub : IDisposable
{
    /// <summary>The commit of main.</summary>
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly HttpServer _hub;
    private readonly HttpServer _store;
    private readonly Dictionary<string, SortedDictionary<string, HubContent>> _repositories = [];

    /// <summary>Starts both servers.</summary>
    public PretendHub()
    {
        _store = new HttpServer(request => StoreFault?.Invoke(request) ?? Serve(request, _repositories.Values.SelectMany(static files => files.Values).First(file => request.Target.Contains(file.Sha256)).Content));
        _hub = new HttpServer(request => Fault?.Invoke(request) ?? Answer(request));
    }

    /// <summary>The hub's address.</summary>
    public string Address => _hub.Address;

    /// <summary>What the hub was asked.</summary>
    public IReadOnlyList<HttpRequest> Requests => _hub.Requests;

    /// <summary>What the server of large files was asked.</summary>
    public IReadOnlyList<HttpRequest> StoreRequests => _store.Requests;

    /// <summary>Answers in place of the hub, unless it gives null.</summary>
    public Func<HttpRequest, HttpAnswer?>? Fault { get; set; }

    /// <summary>Answers in place of the server of large files, unless it gives null.</summary>
    public Func<HttpRequest, HttpAnswer?>? StoreFault { get; set; }

    /// <summary>Entries in a page of the tree.</summary>
    public int PageLength { get; set; } = 1000;

    /// <summary>The commit that main is at.</summary>
    public string Head { get; set; } = Commit;

    /// <summary>The requests of content: GET and not of the API.</summary>
    public IEnumerable<HttpRequest> Downloads => Requests.Where(static request => request.Method == "GET" && !request.Target.StartsWith("/api/", StringComparison.Ordinal));

    /// <summary>Adds a repository.</summary>
    /// <param name="id">Its id, for a data set with <c>datasets/</c> before it.</param>
    /// <param name="files">Its files.</param>
    public void Add(string id, params (string Path, HubContent File)[] files) =>
        _repositories[id] = new SortedDictionary<string, HubContent>(files.ToDictionary(static file => file.Path, static file => file.File), StringComparer.Ordinal);

    /// <summary>Adds a repository with the files of a folder. Those whose names end so are stored apart.</summary>
    public void AddFolder(string id, string folder, params string[] apart) => Add(id, [.. Directory
        .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Select(file => (Path.GetRelativePath(folder, file).Replace('\\', '/'), new HubContent(File.ReadAllBytes(file), apart.Any(file.EndsWith))))]);

    /// <summary>A file of a repository.</summary>
    public HubContent ContentOf(string id, string path) => _repositories[id][path];

    /// <summary>Forgets what was asked so far.</summary>
    public void Forget()
    {
        _hub.Forget();
        _store.Forget();
    }

    /// <summary>An answer that is an error, as the hub words it.</summary>
    public static HttpAnswer Error(int status, string code, string message = "", params (string, string)[] headers) =>
        new(status, Encoding.UTF8.GetBytes($"{{\"error\":\"{message}\"}}"), [("X-Error-Code", code), ("X-Error-Message", message), .. headers]);

    /// <inheritdoc/>
    public void Dispose()
    {
        _hub.Dispose();
        _store.Dispose();
    }

    private HttpAnswer Answer(HttpRequest request)
    {
        string[] target = request.Target.Split('?');
        string path = Uri.UnescapeDataString(target[0]).TrimStart('/');
        foreach ((string id, SortedDictionary<string, HubContent> files) in _repositories)
        {
            string api = $"api/{(id.StartsWith("datasets/", StringComparison.Ordinal) ? id : $"models/{id}")}/";
            if (path.StartsWith(api, StringComparison.Ordinal))
            {
                string[] question = path[api.Length..].Split('/', 2);
                return question[1] is not ("main" or "refs/pr/1") && question[1] != Head ? Error(404, "RevisionNotFound", $"Invalid rev id: {question[1]}")
                    : question[0] == "revision" ? Json(new JsonObject { ["id"] = id, ["sha"] = Head })
                    : Tree(files, target);
            }

            string resolve = $"{id}/resolve/{Head}/";
            if (path.StartsWith(resolve, StringComparison.Ordinal))
            {
                return files.TryGetValue(path[resolve.Length..], out HubContent? file) ? Resolve(request, file) : Error(404, "EntryNotFound", "Entry not found", ("X-Repo-Commit", Head));
            }
        }

        return Error(401, "RepoNotFound", "Invalid username or password.");
    }

    private HttpAnswer Tree(SortedDictionary<string, HubContent> files, string[] target)
    {
        int first = target[1].Split("cursor=") is [_, string cursor] ? int.Parse(cursor) : 0;
        JsonArray page = [new JsonObject { ["type"] = "directory", ["oid"] = new string('0', 40), ["size"] = 0, ["path"] = "a-folder" }];
        foreach ((string path, HubContent file) in files.Skip(first).Take(PageLength))
        {
            JsonObject entry = new() { ["type"] = "file", ["oid"] = file.GitHash, ["size"] = file.Content.Length, ["path"] = path };
            if (file.IsLfs)
            {
                entry["lfs"] = new JsonObject { ["oid"] = file.Sha256, ["size"] = file.Content.Length, ["pointerSize"] = 130 };
            }

            page.Add(entry);
        }

        int next = first + PageLength;
        return next >= files.Count ? Json(page) : Json(page, ("Link", $"<{Address}{target[0]}?recursive=true&cursor={next}>; rel=\"next\""));
    }

    private HttpAnswer Resolve(HttpRequest request, HubContent file)
    {
        if (!file.IsLfs)
        {
            HttpAnswer whole = Serve(request, file.Content);
            return whole with { Headers = [.. whole.Headers, ("X-Repo-Commit", Head), ("ETag", $"\"{file.GitHash}\"")] };
        }

        return new HttpAnswer(302, "Found"u8.ToArray(),
            ("Location", $"{_store.Address}/store/{file.Sha256}?signature=abc"), ("X-Repo-Commit", Head), ("X-Linked-Etag", $"\"{file.Sha256}\""), ("X-Linked-Size", $"{file.Content.Length}"), ("ETag", "\"another\""));
    }

    private static HttpAnswer Serve(HttpRequest request, byte[] content)
    {
        long start = request.RangeStart;
        return start == 0 ? new HttpAnswer(200, content, ("Accept-Ranges", "bytes"))
            : start >= content.Length ? new HttpAnswer(416, [], ("Content-Range", $"bytes */{content.Length}"))
            : new HttpAnswer(206, content[(int)start..], ("Content-Range", $"bytes {start}-{content.Length - 1}/{content.Length}"));
    }

    private static HttpAnswer Json(JsonNode body, params (string, string)[] headers) => new(200, Encoding.UTF8.GetBytes(body.ToJsonString()), [("Content-Type", "application/json"), .. headers]);
}
