using MnrEngine.Serialization;

namespace MnrEngine.Hub;

/// <summary>
/// A repository's folder in the cache that Python's huggingface_hub keeps as well:
/// <code>
/// models--owner--name/blobs/ETAG                contents, each once
/// models--owner--name/refs/main                 the commit of a branch or tag
/// models--owner--name/snapshots/COMMIT/PATH     links to blobs, relative: the files as they are at that commit
/// models--owner--name/trees/COMMIT.json         the list of a commit's files
/// models--owner--name/.no_exist/COMMIT/PATH     files that are known not to exist
/// .locks/models--owner--name/ETAG.lock          held while a blob is fetched
/// </code>
/// </summary>
internal sealed class HubCache
{
    /// <summary>The first line is that of the Cache Directory Tagging Specification: programs that back up leave such folders out.</summary>
    private const string CacheTag =
        "Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag created by MnrEngine.\n# For information about cache directory tags, see https://bford.info/cachedir/\n";

    private readonly string _cache;
    private readonly string _folder;
    private readonly string _locks;
    private readonly bool _symlinks;

    public HubCache(HubSettings settings, HubRepository repository)
    {
        _cache = settings.CacheFolder;
        _folder = Path.Combine(_cache, repository.CacheName);
        _locks = Path.Combine(_cache, ".locks", repository.CacheName);
        _symlinks = settings.Symlinks;
    }

    /// <summary>Whether a file is there. To File.Exists, a link that leads nowhere is.</summary>
    public static bool IsThere(string path)
    {
        FileInfo file = new(path);
        return file.LinkTarget is null ? file.Exists : file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo { Exists: true };
    }

    /// <summary>Where a content lies.</summary>
    public string Blob(string etag) => Path.Combine(_folder, "blobs", etag);

    /// <summary>Where a content lies while it is fetched.</summary>
    public string Incomplete(string etag) => Blob(etag) + ".incomplete";

    /// <summary>What is held while a content is fetched.</summary>
    public string Lock(string etag) => Path.Combine(_locks, $"{etag}.lock");

    /// <summary>The folder of a commit's files.</summary>
    public string Snapshot(string commit) => Path.Combine(_folder, "snapshots", commit);

    /// <summary>Where a file of a commit is.</summary>
    public string Pointer(string commit, string path) => Path.Combine([Snapshot(commit), .. path.Split('/')]);

    /// <summary>Where the list of a commit's files is.</summary>
    public string Tree(string commit) => Path.Combine(_folder, "trees", $"{commit}.json");

    /// <summary>The commit that a branch or tag was at when it was last asked for, or null.</summary>
    public string? ReadReference(string revision)
    {
        try
        {
            string path = Reference(revision);
            return File.Exists(path) && File.ReadAllText(path).Trim() is string commit && HubRepository.LooksLikeCommit(commit) ? commit : null;
        }
        catch (Exception error) when (Durable.IsRefusal(error))
        {
            return null;
        }
    }

    /// <summary>Notes a branch's or tag's commit. A cache that can only be read stays as it is.</summary>
    public void WriteReference(string revision, string commit)
    {
        if (revision != commit && ReadReference(revision) != commit)
        {
            Try(() => WriteAtomically(Reference(revision), commit));
        }
    }

    /// <summary>Notes that a commit has no such file.</summary>
    public void WriteNoExist(string commit, string path) => Try(() =>
    {
        string marker = Path.Combine([_folder, ".no_exist", commit, .. path.Split('/')]);
        Directory.CreateDirectory(Path.GetDirectoryName(marker)!);
        File.WriteAllBytes(marker, []);
    });

    /// <summary>Makes the folders that a content and a file need.</summary>
    public void Prepare(string etag, string pointer)
    {
        foreach (string path in (string[])[Blob(etag), Lock(etag), pointer])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }

        string tag = Path.Combine(_cache, "CACHEDIR.TAG");
        if (!File.Exists(tag))
        {
            Try(() => WriteAtomically(tag, CacheTag));
        }
    }

    /// <summary>Makes a snapshot's file of a blob: a relative link, or where there are none, the content itself.</summary>
    /// <param name="blob">The content.</param>
    /// <param name="pointer">The file.</param>
    /// <param name="isNew">Whether nothing else can be using the blob yet, so that it may be moved instead of copied.</param>
    public void Link(string blob, string pointer, bool isNew)
    {
        File.Delete(pointer);
        if (_symlinks && TryLink(Path.GetRelativePath(Path.GetDirectoryName(pointer)!, blob), pointer))
        {
            return;
        }

        if (isNew)
        {
            File.Move(blob, pointer, overwrite: true);
            return;
        }

        string copy = Durable.Sibling(pointer, Path.GetRandomFileName());
        File.Copy(blob, copy);
        File.Move(copy, pointer, overwrite: true);
    }

    private static bool TryLink(string target, string link)
    {
        try
        {
            File.CreateSymbolicLink(link, target);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            // Windows without the right to make links, or a file system without any. Or another process was faster.
            return IsThere(link);
        }
    }

    private static void WriteAtomically(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string fresh = $"{path}.{Path.GetRandomFileName()[..8]}.tmp";
        File.WriteAllText(fresh, text);
        File.Move(fresh, path, overwrite: true);
    }

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (Durable.IsRefusal(error))
        {
        }
    }

    private string Reference(string revision) => Path.Combine([_folder, "refs", .. revision.Split('/')]);
}
