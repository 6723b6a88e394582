using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace MnrEngine.Hub;

/// <summary>Why something can't be had from the hub.</summary>
internal enum HubFailure
{
    /// <summary>The hub did not answer, or not sensibly.</summary>
    NotReachable,

    /// <summary>The hub answered that there is no such repository, or that this user may not see it.</summary>
    Refused,

    /// <summary>The repository has no such revision.</summary>
    NoRevision,

    /// <summary>The repository has no such file.</summary>
    NoFile,

    /// <summary>Nothing may be fetched, and it is not in the cache.</summary>
    NotCached,

    /// <summary>What arrived is not what was promised, or can't be stored.</summary>
    Spoilt,
}

/// <summary>Something can't be had from the hub. The message is one sentence; <see cref="HubClient"/> makes an <see cref="InputException"/> of it.</summary>
internal sealed partial class HubException(HubFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The reason.</summary>
    public HubFailure Failure => failure;

    /// <summary>The sentence for an answer that is not the one hoped for.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="repository">What was asked for.</param>
    /// <param name="file">The file in it, or null when it was the repository.</param>
    /// <param name="settings">The hub, and whether a token went along.</param>
    public static HubException From(HttpResponseMessage response, HubRepository repository, string? file, HubSettings settings)
    {
        string code = Header(response, "X-Error-Code") ?? "";
        string message = Header(response, "X-Error-Message") ?? "";
        string hub = settings.Endpoint;
        string access = settings.Token is null ? "set HF_TOKEN to a token that has access" : "the token in use has no access";
        if (response.RequestMessage?.RequestUri is Uri asked && !asked.AbsoluteUri.StartsWith(hub + "/", StringComparison.Ordinal))
        {
            // Not the hub itself, but where it keeps large files: neither its codes nor its tokens count there.
            return new HubException(HubFailure.NotReachable, $"{asked.Authority}, which {hub} redirects to, answers {(int)response.StatusCode} {response.ReasonPhrase} to the question for {file} of the {repository}");
        }

        return (response.StatusCode, code) switch
        {
            (_, "GatedRepo") => new(HubFailure.Refused, $"the {repository} on {hub} is gated: accept its terms there, then {(settings.Token is null ? "set HF_TOKEN to a token of your account" : "use a token of that account in HF_TOKEN, since the one in use has no access")}"),
            (_, "RevisionNotFound") => new(HubFailure.NoRevision, $"the {repository} on {hub} has no revision {repository.Revision}"),
            (_, "EntryNotFound") => new(HubFailure.NoFile, $"the {repository} on {hub} has no file {file}"),
            (HttpStatusCode.Unauthorized, _) when message.StartsWith("Invalid credentials", StringComparison.Ordinal) => new(HubFailure.Refused, $"{hub} does not accept the token in HF_TOKEN or in the token file of HF_HOME"),
            (_, "RepoNotFound") or (HttpStatusCode.Unauthorized, _) or (HttpStatusCode.NotFound, _) => new(HubFailure.Refused, $"there is no {repository} on {hub}, or it is private: then {access}"),
            (HttpStatusCode.Forbidden, _) => new(HubFailure.Refused, $"{hub} refuses the {repository}{(message.Length == 0 ? "" : $" ({message.TrimEnd('.')})")}: {access}"),
            (HttpStatusCode.TooManyRequests, _) => new(HubFailure.NotReachable, $"{hub} answers too many requests to the question for the {repository}{(RetryAfter(response) is TimeSpan wait ? string.Create(CultureInfo.InvariantCulture, $" and asks to wait {wait.TotalSeconds:0} s") : "")}; try again later{(settings.Token is null ? ", or set HF_TOKEN, which is allowed more" : "")}"),
            _ => new(HubFailure.NotReachable, $"{hub} answers {(int)response.StatusCode} {response.ReasonPhrase} to the question for {(file is null ? "" : $"{file} of ")}the {repository}{(message.Length == 0 ? "" : $" ({message.TrimEnd('.')})")}"),
        };
    }

    /// <summary>The sentence for no answer at all.</summary>
    public static HubException From(Exception error, Uri address)
    {
        string host = address.IsDefaultPort ? address.Host : $"{address.Host}:{address.Port}";
        string reason = error switch
        {
            TimeoutException => error.Message,
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "its name can't be resolved; is there a network?",
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => $"no secure connection can be made ({(error.InnerException ?? error).Message.TrimEnd('.')})",
            HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => $"no connection can be made ({(error.InnerException ?? error).Message.TrimEnd('.')})",
            _ => $"the connection broke ({error.Message.TrimEnd('.')})",
        };
        return new HubException(HubFailure.NotReachable, $"{host} can't be reached: {reason.ReplaceLineEndings(" ")}", error);
    }

    /// <summary>
    /// How long an answer asks to wait before the next attempt, or null: Retry-After, or the hub's own <c>RateLimit: "api";r=0;t=55</c>, which says that none of
    /// the requests allowed remains, and when there are new ones.
    /// </summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.TooManyRequests && RateLimit().Match(Header(response, "RateLimit") ?? "") is { Success: true } limit ? TimeSpan.FromSeconds(1 + int.Parse(limit.Groups[1].ValueSpan, CultureInfo.InvariantCulture))
            : response.Headers.RetryAfter is not { } header ? null
            : header.Delta ?? (header.Date - DateTimeOffset.UtcNow is TimeSpan wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero);

    [GeneratedRegex(@";\s*r=0;\s*t=(\d{1,6})")]
    private static partial Regex RateLimit();

    /// <summary>A header of an answer, wherever .NET files it, or null.</summary>
    public static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) || response.Content.Headers.TryGetValues(name, out values) ? values.FirstOrDefault() : null;
}
