using System.Text.RegularExpressions;

namespace MnrEngine.Hub;

/// <summary>
/// Where the hub is and where its files are kept, as the environment says. The variables and defaults are those of Python's huggingface_hub, so
/// that both use one cache.
/// </summary>
public sealed partial record HubSettings
{
    /// <summary>The hub's own address.</summary>
    public const string PublicEndpoint = "https://huggingface.co";

    private static readonly string[] TrueValues = ["1", "ON", "YES", "TRUE"];

    /// <summary>The hub's address, with no slash at the end: HF_ENDPOINT.</summary>
    public string Endpoint { get; init; } = PublicEndpoint;

    /// <summary>The folder of the cache: HF_HUB_CACHE, or hub in HF_HOME.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>What proves who asks: HF_TOKEN, or the content of the file token in HF_HOME; null to ask as nobody.</summary>
    public string? Token { get; init; }

    /// <summary>Whether nothing may be fetched: HF_HUB_OFFLINE.</summary>
    public bool Offline { get; init; }

    /// <summary>Whether snapshots are links to the cache's blobs; otherwise files of their own: HF_HUB_DISABLE_SYMLINKS.</summary>
    public bool Symlinks { get; init; } = true;

    /// <summary>Whether progress may be drawn: HF_HUB_DISABLE_PROGRESS_BARS.</summary>
    public bool ProgressBars { get; init; } = true;

    /// <summary>How long an answer about a file may take: HF_HUB_ETAG_TIMEOUT.</summary>
    public TimeSpan MetadataTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a download may bring nothing: HF_HUB_DOWNLOAD_TIMEOUT.</summary>
    public TimeSpan DownloadTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Waits before another attempt; tests don't.</summary>
    internal Action<TimeSpan> Wait { get; init; } = Thread.Sleep;

    /// <summary>What this process's environment says.</summary>
    /// <exception cref="InputException">HF_ENDPOINT is no address, or the token is not one.</exception>
    public static HubSettings FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <summary>What an environment says.</summary>
    /// <param name="variable">The value of a variable, or null.</param>
    /// <exception cref="InputException">HF_ENDPOINT is no address, or the token is not one.</exception>
    internal static HubSettings From(Func<string, string?> variable)
    {
        string home = Folder("HF_HOME") ?? Path.Combine(Folder("XDG_CACHE_HOME") ?? Path.Combine(UserFolder(variable), ".cache"), "huggingface");
        return new HubSettings
        {
            Endpoint = CheckEndpoint((Given("HF_ENDPOINT") ?? PublicEndpoint).TrimEnd('/')),
            CacheFolder = Path.GetFullPath(Folder("HF_HUB_CACHE") ?? Folder("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub")),
            Token = IsTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? null : ReadToken(Given("HF_TOKEN") ?? Given("HUGGING_FACE_HUB_TOKEN"), Folder("HF_TOKEN_PATH") ?? Path.Combine(home, "token")),
            Offline = IsTrue(Given("HF_HUB_OFFLINE") is null ? "TRANSFORMERS_OFFLINE" : "HF_HUB_OFFLINE"),
            Symlinks = !IsTrue("HF_HUB_DISABLE_SYMLINKS"),
            ProgressBars = !IsTrue("HF_HUB_DISABLE_PROGRESS_BARS"),
            MetadataTimeout = Seconds("HF_HUB_ETAG_TIMEOUT"),
            DownloadTimeout = Seconds("HF_HUB_DOWNLOAD_TIMEOUT"),
        };

        string? Given(string name) => variable(name) is { Length: > 0 } value ? value : null;

        string? Folder(string name) => Given(name) is string value ? Expand(value, variable) : null;

        bool IsTrue(string name) => Given(name) is string value && TrueValues.Contains(value.ToUpperInvariant());

        TimeSpan Seconds(string name) => Given(name) is not string value ? TimeSpan.FromSeconds(10)
            : int.TryParse(value, out int seconds) && seconds is > 0 and <= 86400 ? TimeSpan.FromSeconds(seconds)
            : throw new InputException($"{name} is {value}, but has to be a whole number of seconds");
    }

    private static string CheckEndpoint(string endpoint) =>
        Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? address) && address.Scheme is "https" or "http" && address.Query.Length == 0 && address.UserInfo.Length == 0 ? endpoint
            : throw new InputException($"HF_ENDPOINT is {endpoint}, but has to be an address such as {PublicEndpoint}");

    private static string? ReadToken(string? given, string file)
    {
        string source = given is null ? file : "HF_TOKEN";
        try
        {
            string? token = (given ?? (File.Exists(file) ? File.ReadAllText(file) : null))?.ReplaceLineEndings("").Trim();
            return token is null or "" ? null
                : token.All(static c => c is > ' ' and <= '~') ? token
                : throw new InputException($"the token in {source} holds a character that no token has");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"the token in {source} can't be read: {error.Message}", error);
        }
    }

    /// <summary>Python's expanduser and expandvars: ~ at the start, $NAME and ${NAME}; on Windows also %NAME%. Unknown names stay.</summary>
    private static string Expand(string path, Func<string, string?> variable)
    {
        string expanded = path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? UserFolder(variable) + path[1..] : path;
        expanded = Variable().Replace(expanded, match => variable(match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value) ?? match.Value);
        return OperatingSystem.IsWindows() ? Environment.ExpandEnvironmentVariables(expanded) : expanded;
    }

    private static string UserFolder(Func<string, string?> variable) =>
        variable(OperatingSystem.IsWindows() ? "USERPROFILE" : "HOME") is { Length: > 0 } folder ? folder : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    [GeneratedRegex(@"\$(?:([A-Za-z0-9_]+)|\{([^}]*)\})")]
    private static partial Regex Variable();
}
