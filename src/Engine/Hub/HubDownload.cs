using System.Globalization;
using System.Net;
using MnrEngine.Serialization;

namespace MnrEngine.Hub;

/// <summary>
/// Fetches one content into the cache. It grows in <c>ETAG.incomplete</c>, where a later attempt goes on, and gets its own name only when it is
/// complete and its sum is right.
/// </summary>
internal sealed class HubDownload(HubHttp http, HubRepository repository, string commit, IDownloadProgress progress)
{
    private readonly byte[] _buffer = new byte[1 << 20];

    /// <summary>Fetches a content.</summary>
    /// <param name="listed">The file.</param>
    /// <param name="metadata">What the hub says of it.</param>
    /// <param name="incomplete">Where it grows. Whoever calls holds its lock.</param>
    /// <param name="blob">Where it is in the end.</param>
    /// <exception cref="HubException">It can't be had, is not what was promised, or there is no room for it.</exception>
    public void Fetch(HubFile listed, HubFileMetadata metadata, string incomplete, string blob)
    {
        string what = $"{repository.Id}/{listed.Path}";
        using (FileStream file = ExclusiveFile.Open(incomplete, () => progress.Message($"waiting for another process that fetches {what}")))
        {
            if (file.Length > metadata.Size)
            {
                file.SetLength(0);
            }

            CheckSpace(metadata.Size - file.Length, incomplete, what);
            progress.Begin(what, metadata.Size, file.Length);
            bool continued = file.Length > 0;
            Receive(file, listed, metadata.Size);
            if (Mismatch(file, listed, metadata) is not null && continued)
            {
                // What an earlier attempt left may be the culprit.
                Truncate(file);
                Receive(file, listed, metadata.Size);
            }

            if (Mismatch(file, listed, metadata) is string mismatch)
            {
                Truncate(file);
                throw new HubException(HubFailure.Spoilt, $"{listed.Path} of the {repository} arrived damaged ({mismatch}) and is not used; try again");
            }

            Store(file, stream => stream.Flush(flushToDisk: true));
        }

        File.Move(incomplete, blob, overwrite: true);
        progress.End();
    }

    private void Receive(FileStream file, HubFile listed, long size)
    {
        int failures = 0;
        while (file.Length < size)
        {
            long before = file.Length;
            try
            {
                ReceiveSome(file, listed, size);
            }
            catch (Exception error) when (HubHttp.IsCut(error))
            {
                failures = file.Length > before ? 1 : failures + 1;
                if (failures > HubHttp.Retries)
                {
                    throw new HubException(
                        HubFailure.NotReachable,
                        string.Create(CultureInfo.InvariantCulture, $"the download of {listed.Path} of the {repository} broke off after {file.Length:N0} of {size:N0} bytes ({error.Message.ReplaceLineEndings(" ").TrimEnd('.')}); started again, it goes on from there"),
                        error);
                }

                http.Pause(failures);
            }
        }
    }

    private void ReceiveSome(FileStream file, HubFile listed, long size)
    {
        long from = file.Length;
        using HttpResponseMessage response = http.Get(repository, commit, listed.Path, from);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            Truncate(file);
            throw new IOException("the rest was asked for, but there is none of that length");
        }

        // A server may send the whole where a part was asked for.
        long start = response.StatusCode == HttpStatusCode.PartialContent ? response.Content.Headers.ContentRange?.From ?? -1 : 0;
        if (start != from)
        {
            Truncate(file);
            if (start != 0)
            {
                throw new IOException($"the part from byte {from} on was asked for, but another came");
            }
        }

        using Stream content = http.Open(response);
        file.Position = file.Length;
        for (int read = http.Read(content, _buffer); read > 0; read = http.Read(content, _buffer))
        {
            if (file.Length + read > size)
            {
                Truncate(file);
                throw new HubException(HubFailure.Spoilt, string.Create(CultureInfo.InvariantCulture, $"more than the {size:N0} bytes of {listed.Path} of the {repository} arrived, which are not used; try again"));
            }

            Store(file, stream => stream.Write(_buffer, 0, read));
            progress.Reached(file.Length);
        }

        if (file.Length < size)
        {
            throw new IOException("the other side ended it too early");
        }
    }

    private static string? Mismatch(FileStream file, HubFile listed, HubFileMetadata metadata)
    {
        if (ContentCheck.Expected(metadata.ETag, listed) is not string expected)
        {
            return null;
        }

        string sum = ContentCheck.Sum(file, expected);
        return sum == expected ? null : $"its {ContentCheck.NameOf(expected)} is {sum}, but {expected} was promised";
    }

    private void Truncate(FileStream file)
    {
        file.SetLength(0);
        progress.Reached(0);
    }

    /// <summary>A failure to write is not one of the network, though .NET gives both the same type.</summary>
    private static void Store(FileStream file, Action<FileStream> write)
    {
        try
        {
            write(file);
        }
        catch (IOException error)
        {
            throw new HubException(HubFailure.Spoilt, Durable.CanNotWrite(file.Name, error).Message, error);
        }
    }

    private static void CheckSpace(long needed, string path, string what)
    {
        long free;
        try
        {
            free = new DriveInfo(Path.GetDirectoryName(Path.GetFullPath(path))!).AvailableFreeSpace;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return;
        }

        if (needed > free)
        {
            throw new HubException(HubFailure.Spoilt, string.Create(CultureInfo.InvariantCulture, $"{what} needs another {needed:N0} bytes, but only {free:N0} are free where {path} is"));
        }
    }
}
