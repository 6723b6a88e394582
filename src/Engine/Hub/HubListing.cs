using System.Text.Json;
using MnrEngine.Serialization;

namespace MnrEngine.Hub;

/// <summary>A file of a repository, as the hub lists it.</summary>
/// <param name="Path">Where it is, with slashes.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="GitHash">What git calls it: SHA-1 of the content, or of the pointer to it if that is stored apart.</param>
/// <param name="Sha256">SHA-256 of a content that is stored apart (LFS), else null.</param>
/// <param name="XetHash">What the hub's chunk store calls it. It is only kept for Python, which reads the same list.</param>
internal sealed record HubFile(string Path, long Size, string GitHash, string? Sha256, string? XetHash);

/// <summary>
/// The files of a commit. Since a commit never changes, its list is kept for good, in trees/COMMIT.json of the repository's folder in the cache: the
/// form is that of huggingface_hub (format_version 1), so that either program can tell offline whether it has everything.
/// </summary>
/// <param name="Files">The files by path.</param>
/// <param name="IsComplete">Whether these are all; otherwise only what an older program left in the cache.</param>
internal sealed record HubListing(IReadOnlyDictionary<string, HubFile> Files, bool IsComplete)
{
    private const int FormatVersion = 1;

    /// <summary>Reads the pages of the API's answer. Paths that would lead out of the snapshot are not taken.</summary>
    /// <exception cref="InputException">An answer is not valid JSON.</exception>
    /// <exception cref="HubException">It is something else than a list of files.</exception>
    public static HubListing FromApi(IEnumerable<byte[]> pages, string what)
    {
        SortedDictionary<string, HubFile> files = new(StringComparer.Ordinal);
        foreach (byte[] page in pages)
        {
            using JsonDocument document = JsonFile.Parse(page, what);
            try
            {
                foreach (JsonElement entry in document.RootElement.EnumerateArray().Where(static entry => entry.GetProperty("type").GetString() == "file"))
                {
                    string path = entry.GetProperty("path").GetString()!;
                    JsonElement? lfs = entry.TryGetProperty("lfs", out JsonElement given) && given.ValueKind == JsonValueKind.Object ? given : null;
                    if (HubRepository.IsSafePath(path))
                    {
                        files[path] = new HubFile(
                            path, (lfs ?? entry).GetProperty("size").GetInt64(), entry.GetProperty("oid").GetString()!, lfs?.GetProperty("oid").GetString(), Optional(entry, "xetHash"));
                    }
                }
            }
            catch (Exception error) when (error is InvalidOperationException or KeyNotFoundException or FormatException)
            {
                throw new HubException(HubFailure.NotReachable, $"{what} is not a list of files as the Hugging Face hub gives it", error);
            }
        }

        return new HubListing(files, IsComplete: true);
    }

    /// <summary>Reads a kept list; null when there is none that can be read, or only one of a later format.</summary>
    public static HubListing? Load(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            using JsonDocument document = JsonFile.Parse(File.ReadAllBytes(path), path);
            if (document.RootElement.GetProperty("format_version").GetInt32() != FormatVersion)
            {
                return null;
            }

            SortedDictionary<string, HubFile> files = new(StringComparer.Ordinal);
            foreach (JsonProperty file in document.RootElement.GetProperty("files").EnumerateObject().Where(static file => HubRepository.IsSafePath(file.Name)))
            {
                JsonElement entry = file.Value;
                long size = entry.TryGetProperty("lfs_size", out JsonElement stored) ? stored.GetInt64() : entry.GetProperty("size").GetInt64();
                files[file.Name] = new HubFile(file.Name, size, entry.GetProperty("blob_id").GetString()!, Optional(entry, "lfs_sha256"), Optional(entry, "xet_hash"));
            }

            return new HubListing(files, IsComplete: true);
        }
        catch (Exception error) when (error is InputException or IOException or UnauthorizedAccessException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return null;
        }
    }

    /// <summary>What lies in a snapshot's folder.</summary>
    public static HubListing FromSnapshot(string folder) => new(
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(HubCache.IsThere)
            .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal)
            .ToDictionary(static path => path, static path => new HubFile(path, 0, "", null, null)),
        IsComplete: false);

    /// <summary>Keeps the list.</summary>
    public void Save(string path) => AtomicFile.Write(path, stream =>
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, IndentSize = 1 });
        json.WriteStartObject();
        json.WriteNumber("format_version", FormatVersion);
        json.WriteStartObject("files");
        foreach (HubFile file in Files.Values)
        {
            json.WriteStartObject(file.Path);
            json.WriteNumber("size", file.Size);
            json.WriteString("blob_id", file.GitHash);
            if (file.Sha256 is not null)
            {
                json.WriteString("lfs_sha256", file.Sha256);
                json.WriteNumber("lfs_size", file.Size);
            }

            if (file.XetHash is not null)
            {
                json.WriteString("xet_hash", file.XetHash);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    });

    private static string? Optional(JsonElement entry, string key) => entry.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
