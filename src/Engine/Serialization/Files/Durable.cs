using Microsoft.Win32.SafeHandles;

namespace MnrEngine.Serialization;

/// <summary>Getting what was written onto the disk, and what goes wrong with writing into one sentence.</summary>
internal static class Durable
{
    /// <summary>A hidden name beside a path, on the same file system, so that a rename from one to the other is atomic.</summary>
    public static string Sibling(string path, string suffix) =>
        Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.{suffix}");

    /// <summary>The full path of what is to be replaced: a link stays, and what it points to is replaced.</summary>
    /// <exception cref="InputException">The path is no path, or the root, which nothing can replace, or a link that leads nowhere.</exception>
    public static string Target(string path)
    {
        if (path.Length == 0 || path.Contains('\0'))
        {
            throw new InputException($"\"{path.Replace("\0", "\\0")}\" is not a path");
        }

        try
        {
            FileInfo link = new(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
            string target = link.LinkTarget is null ? link.FullName : link.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
            return Path.GetDirectoryName(target) is not null ? target : throw new InputException($"{path} can't be written: it is the root of the file system");
        }
        catch (Exception error) when (IsRefusal(error))
        {
            throw CanNotWrite(path, error);
        }
    }

    /// <summary>How paths are compared: as most file systems of this kind of machine do.</summary>
    public static StringComparison PathComparison =>
        OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    /// <summary>The full path of a file without any link in it, so that two of them can be compared. What is not there is as it is named.</summary>
    /// <exception cref="InputException">The path is no path, or a link goes in circles.</exception>
    public static string RealPath(string path)
    {
        const int MostLinks = 40;
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(Target(path)));
        for (int links = 0; links < MostLinks; links++)
        {
            if (Folders(full).FirstOrDefault(static folder => new DirectoryInfo(folder).LinkTarget is not null) is not string link)
            {
                return full;
            }

            full = Path.GetFullPath(Target(link) + full[link.Length..]);
        }

        throw new InputException($"{path} leads through more than {MostLinks} links");
    }

    private static IEnumerable<string> Folders(string path)
    {
        for (string? folder = path; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            yield return folder;
        }
    }

    /// <summary>Flushes every file of a folder, and the folders themselves.</summary>
    public static void FlushTree(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            using SafeFileHandle handle = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.FlushToDisk(handle);
        }

        foreach (string inner in Directory.EnumerateDirectories(folder))
        {
            FlushTree(inner);
        }

        FlushFolder(folder);
    }

    /// <summary>
    /// Makes a folder's list of names durable. Windows journals it by itself; elsewhere a file system that can't flush a folder says so,
    /// and there is nothing more to be done about it.
    /// </summary>
    public static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int handle = Posix.Open(folder, flags: 0);
        if (handle >= 0)
        {
            _ = Posix.FlushToDisk(handle);
            _ = Posix.Close(handle);
        }
    }

    /// <summary>Whether an exception is the operating system's refusal to read or write.</summary>
    public static bool IsRefusal(Exception error) => error is IOException or UnauthorizedAccessException;

    /// <summary>The operating system's refusal to write, in one sentence.</summary>
    public static InputException CanNotWrite(string path, Exception error) => new($"{path} can't be written: {error.Message.ReplaceLineEndings(" ")}", error);
}
