using System.Net;
using System.Net.Http.Headers;
using MnrEngine.Serialization;

namespace MnrEngine.Hub;

/// <summary>What the hub says of a file before it is fetched.</summary>
/// <param name="ETag">Names the content: its SHA-256 if it is stored apart (LFS), else git's SHA-1 of it.</param>
/// <param name="Size">Its length in bytes.</param>
internal sealed record HubFileMetadata(string ETag, long Size);

/// <summary>
/// Asks the hub over HTTP. Redirects are followed here rather than by .NET, since the token may go to the hub only, and since an answer's headers on
/// the way to another host are the ones that count.
/// </summary>
internal sealed class HubHttp : IDisposable
{
    /// <summary>Attempts after the first, when the hub is busy or a download breaks off without having brought anything.</summary>
    public const int Retries = 5;

    // Without a network an answer soon is worth more than the small chance of one later.
    private const int ConnectionRetries = 2;
    private const int MostRedirects = 10;

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(8);

    /// <summary>A hub that asks for more patience than this is not waited for.</summary>
    private static readonly TimeSpan LongestRequestedWait = TimeSpan.FromMinutes(5);

    private readonly HubSettings _settings;
    private readonly Uri _endpoint;
    private readonly HttpClient _client;
    private readonly IDownloadProgress _progress;

    public HubHttp(HubSettings settings, IDownloadProgress progress)
    {
        _settings = settings;
        _progress = progress;
        _endpoint = new Uri(settings.Endpoint);
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = settings.MetadataTimeout,
            UseCookies = false,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("MnrEngine", typeof(HubHttp).Assembly.GetName().Version?.ToString(3) ?? "0"));
        _client.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
    }

    /// <summary>Reads an answer of the API.</summary>
    /// <param name="address">Where it is.</param>
    /// <param name="repository">What it is about.</param>
    /// <param name="patient">Whether to try again when the hub is busy or not reached.</param>
    /// <returns>The text, and the address of the next page or null.</returns>
    /// <exception cref="HubException">There is no such answer.</exception>
    public (byte[] Content, string? Next) GetApi(string address, HubRepository repository, bool patient = true)
    {
        Uri uri = new(address);
        using HttpResponseMessage response = Send(HttpMethod.Get, uri, from: 0, stayOnHost: false, patient);
        Check(response, repository, file: null);
        try
        {
            byte[] content = Within(_settings.DownloadTimeout * 6, "it sends nothing more", token => response.Content.ReadAsByteArrayAsync(token));
            return (content, NextPage(response, uri));
        }
        catch (Exception error) when (IsCut(error))
        {
            throw HubException.From(error, uri);
        }
    }

    /// <summary>Asks about a file without fetching it.</summary>
    /// <exception cref="HubException">The file is not there, or the answer is not one of a hub.</exception>
    public HubFileMetadata Head(HubRepository repository, string commit, string file)
    {
        Uri address = new(repository.FileAddress(_settings.Endpoint, commit, file));
        using HttpResponseMessage response = Send(HttpMethod.Head, address, from: 0, stayOnHost: true, patient: true);
        if (!IsRedirect(response))
        {
            Check(response, repository, file);
        }

        string? etag = Normalize(HubException.Header(response, "X-Linked-Etag") ?? HubException.Header(response, "ETag"));
        string? size = HubException.Header(response, "X-Linked-Size") ?? (IsRedirect(response) ? null : HubException.Header(response, "Content-Length"));
        if (HubException.Header(response, "X-Repo-Commit") != commit || etag is null || !long.TryParse(size, out long bytes) || bytes < 0)
        {
            throw new HubException(HubFailure.NotReachable, $"{_settings.Endpoint} answers the question for {file} of the {repository} without the commit, ETag and size that the Hugging Face hub would give: is something between here and there, or HF_ENDPOINT wrong?");
        }

        return etag.Length <= 128 && etag.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? new HubFileMetadata(etag, bytes)
            : throw new HubException(HubFailure.NotReachable, $"{_settings.Endpoint} gives {file} of the {repository} the ETag {etag}, but that is none of a Hugging Face hub");
    }

    /// <summary>Begins to fetch a file's content, from a byte on.</summary>
    /// <returns>An answer of 200, 206 (the part asked for) or 416 (there is no such part).</returns>
    /// <exception cref="HubException">The content can't be had.</exception>
    public HttpResponseMessage Get(HubRepository repository, string commit, string file, long from)
    {
        HttpResponseMessage response = Send(HttpMethod.Get, new Uri(repository.FileAddress(_settings.Endpoint, commit, file)), from, stayOnHost: false, patient: true);
        if (response.StatusCode is not HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            Check(response, repository, file);
        }

        return response;
    }

    /// <summary>Reads some of a content, for at most the time that a download may bring nothing.</summary>
    public int Read(Stream content, Memory<byte> buffer) =>
        Within(_settings.DownloadTimeout, "it sends nothing more", token => content.ReadAsync(buffer, token).AsTask());

    /// <summary>Opens an answer's content.</summary>
    public Stream Open(HttpResponseMessage response) => Within(_settings.DownloadTimeout, "it sends nothing", token => response.Content.ReadAsStreamAsync(token));

    /// <summary>Waits before another attempt: 1, 2, 4, 8, 8 seconds.</summary>
    /// <param name="attempt">Which one, counted from 1.</param>
    public void Pause(int attempt) => _settings.Wait(TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, attempt - 1))));

    /// <summary>Whether an error means that the other side or the network gave up.</summary>
    public static bool IsCut(Exception error) => error is HttpRequestException or IOException or TimeoutException;

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private HttpResponseMessage Send(HttpMethod method, Uri address, long from, bool stayOnHost, bool patient)
    {
        for (int attempt = 1; ; attempt++)
        {
            Uri asked = address;
            try
            {
                HttpResponseMessage response = Follow(method, ref asked, from, stayOnHost);
                if (!IsBusy(response.StatusCode) || attempt > (patient ? Retries : 0))
                {
                    return response;
                }

                TimeSpan? requested = HubException.RetryAfter(response);
                if (requested > LongestRequestedWait)
                {
                    return response;
                }

                response.Dispose();
                if (requested is TimeSpan wait)
                {
                    _progress.Message(FormattableString.Invariant($"{address.Host} asks to wait {wait.TotalSeconds:0} s"));
                    _settings.Wait(wait);
                }
                else
                {
                    Pause(attempt);
                }
            }
            catch (Exception error) when (IsCut(error))
            {
                if (attempt > (patient ? ConnectionRetries : 0) || error is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError })
                {
                    throw HubException.From(error, asked);
                }

                Pause(attempt);
            }
        }
    }

    private HttpResponseMessage Follow(HttpMethod method, ref Uri address, long from, bool stayOnHost)
    {
        bool trusted = true;
        for (int hop = 0; hop <= MostRedirects; hop++)
        {
            // Once away from the hub, the token stays home, wherever the way leads.
            trusted &= SameOrigin(address, _endpoint);
            HttpResponseMessage response = Ask(method, address, from, trusted);
            if (!IsRedirect(response) || HubException.Header(response, "Location") is not string location || !Uri.TryCreate(address, location, out Uri? target))
            {
                return response;
            }

            if (stayOnHost && !SameOrigin(target, address))
            {
                return response;
            }

            response.Dispose();
            if (target.Scheme != Uri.UriSchemeHttps && target.Scheme != _endpoint.Scheme)
            {
                throw new HubException(HubFailure.NotReachable, $"{address.Host} redirects to {target.Scheme}://{target.Host}, which is not secure, and is not followed there");
            }

            address = target;
        }

        throw new HubException(HubFailure.NotReachable, $"{_endpoint.Host} redirects without end");
    }

    private HttpResponseMessage Ask(HttpMethod method, Uri address, long from, bool trusted)
    {
        HttpRequestMessage request = new(method, address);
        if (trusted && _settings.Token is string token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (from > 0)
        {
            request.Headers.Range = new RangeHeaderValue(from, null);
        }

        return Within(_settings.MetadataTimeout * 3, "it does not answer", cancel => _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel));
    }

    private void Check(HttpResponseMessage response, HubRepository repository, string? file)
    {
        if (!response.IsSuccessStatusCode)
        {
            HubException error = HubException.From(response, repository, file, _settings);
            response.Dispose();
            throw error;
        }
    }

    /// <summary>The address of a list's next page: Link: &lt;...&gt;; rel="next". Only the hub itself is asked for it.</summary>
    private string? NextPage(HttpResponseMessage response, Uri address)
    {
        foreach (string link in HubException.Header(response, "Link")?.Split(',') ?? [])
        {
            string[] parts = link.Split(';', StringSplitOptions.TrimEntries);
            if (parts.Skip(1).Any(static part => part is "rel=\"next\"" or "rel=next") && Uri.TryCreate(address, parts[0].Trim('<', '>'), out Uri? next) && SameOrigin(next, _endpoint))
            {
                return next.AbsoluteUri;
            }
        }

        return null;
    }

    /// <summary>Waits for something for a limited time.</summary>
    /// <exception cref="TimeoutException">It took longer.</exception>
    private static T Within<T>(TimeSpan limit, string complaint, Func<CancellationToken, Task<T>> something)
    {
        using CancellationTokenSource patience = new(limit);
        try
        {
            return something(patience.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException error)
        {
            throw new TimeoutException(FormattableString.Invariant($"{complaint} for {limit.TotalSeconds:0} s"), error);
        }
    }

    private static bool IsBusy(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    private static bool IsRedirect(HttpResponseMessage response) => response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found
        or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    private static bool SameOrigin(Uri one, Uri other) => one.Scheme == other.Scheme && one.Port == other.Port && string.Equals(one.Host, other.Host, StringComparison.OrdinalIgnoreCase);

    /// <summary>W/"abc" and "abc" are abc.</summary>
    private static string? Normalize(string? etag) => etag is null ? null : (etag.StartsWith("W/", StringComparison.Ordinal) ? etag[2..] : etag).Trim('"');
}
