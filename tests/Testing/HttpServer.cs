using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MnrEngine.Testing;

/// <summary>What a client asked.</summary>
/// <param name="Method">GET or HEAD.</param>
/// <param name="Target">The path and query, as sent.</param>
/// <param name="Headers">The header lines by name, in whatever case.</param>
public sealed record HttpRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>A header, or null.</summary>
    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>The first byte that a Range header asks for; 0 without one.</summary>
    public long RangeStart => Header("Range") is string range ? long.Parse(range.Split('=')[1].TrimEnd('-')) : 0;
}

/// <summary>What is answered.</summary>
/// <param name="Status">The status code.</param>
/// <param name="Body">The content; for HEAD only its length is told.</param>
/// <param name="Headers">Header lines beside Content-Length.</param>
public sealed record HttpAnswer(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    /// <summary>How many bytes of the content are sent before the connection is cut, or null for all.</summary>
    public int? CutAfter { get; init; }
}

/// <summary>A server on 127.0.0.1, raw enough to break off in the middle. Every request is on a connection of its own.</summary>
public sealed class HttpServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<HttpRequest, HttpAnswer> _answer;
    private readonly ConcurrentQueue<HttpRequest> _requests = [];

    /// <summary>Begins to listen on a free port.</summary>
    public HttpServer(Func<HttpRequest, HttpAnswer> answer)
    {
        _answer = answer;
        _listener.Start();
        _ = Accept();
    }

    /// <summary>Its address, with no slash at the end.</summary>
    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>What was asked so far.</summary>
    public IReadOnlyList<HttpRequest> Requests => [.. _requests];

    /// <summary>Forgets what was asked so far.</summary>
    public void Forget() => _requests.Clear();

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
    }

    private async Task Accept()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = Task.Run(() => Serve(client));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private void Serve(TcpClient client)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                HttpRequest? request = Read(stream);
                if (request is null)
                {
                    return;
                }

                _requests.Enqueue(request);
                HttpAnswer answer = _answer(request);
                StringBuilder head = new($"HTTP/1.1 {answer.Status} {(HttpStatusCode)answer.Status}\r\nConnection: close\r\nContent-Length: {answer.Body.Length}\r\n");
                foreach ((string name, string value) in answer.Headers)
                {
                    head.Append($"{name}: {value}\r\n");
                }

                stream.Write(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()));
                if (request.Method != "HEAD")
                {
                    stream.Write(answer.Body.AsSpan(0, answer.CutAfter ?? answer.Body.Length));
                }
            }
            catch (IOException)
            {
                // The client left.
            }
        }
    }

    private static HttpRequest? Read(NetworkStream stream)
    {
        StringBuilder text = new();
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            int next = stream.ReadByte();
            if (next < 0)
            {
                return null;
            }

            text.Append((char)next);
        }

        string[] lines = text.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        string[] first = lines[0].Split(' ');
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        foreach (string line in lines.Skip(1))
        {
            string[] parts = line.Split(':', 2, StringSplitOptions.TrimEntries);
            headers[parts[0]] = parts[1];
        }

        return new HttpRequest(first[0], first[1], headers);
    }
}
