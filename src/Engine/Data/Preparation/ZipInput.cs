using System.IO.Compression;

namespace MnrEngine.Data.Preparation;

/// <summary>What a zip file may unpack to before it is taken for one that was made to do harm.</summary>
/// <param name="Ratio">How many times its packed size an entry may unpack to. SNLI and MultiNLI unpack to 5 to 10 times theirs.</param>
/// <param name="FreeBytes">What an entry may unpack to in any case.</param>
/// <param name="TotalBytes">What all entries that are read may unpack to together.</param>
internal sealed record ZipLimits(int Ratio, long FreeBytes, long TotalBytes)
{
    public static readonly ZipLimits Default = new(Ratio: 100, FreeBytes: 16 << 20, TotalBytes: 16L << 30);
}

/// <summary>
/// Reads the wanted entries of a zip file as they are unpacked; nothing is put onto the disk. The whole file is refused when any entry's name
/// leads out of it, since nobody who means well makes one.
/// </summary>
internal static class ZipInput
{
    /// <summary>The entries of a split, those that lie nearest to the root (GLUE's MNLI.zip has the same rows in its original form deeper down).</summary>
    /// <exception cref="InputException">The file can't be read or is no zip file, has no such entry, or is refused.</exception>
    public static IReadOnlyList<InputFile> Entries(string path, string split, ZipLimits limits)
    {
        using ZipArchive archive = OpenArchive(path);
        string[] names = Guarded(path, () => archive.Entries.Select(static entry => entry.FullName).ToArray());
        if (names.FirstOrDefault(LeadsOutside) is string outside)
        {
            throw new InputException($"{path} has an entry '{outside.ReplaceLineEndings(" ")}' that points outside of it, so the whole file is refused");
        }

        IReadOnlyList<string> wanted = Wanted(names, split, path);
        long unpacked = 0;
        foreach (string name in wanted)
        {
            ZipArchiveEntry entry = archive.GetEntry(name)!;
            unpacked += entry.Length;
            CheckRatio(path, name, entry.Length, entry.CompressedLength, limits);
        }

        if (unpacked > limits.TotalBytes)
        {
            throw new InputException($"what is to be read of {path} unpacks to {Gibibytes(unpacked)}, more than the {Gibibytes(limits.TotalBytes)} that are allowed: it may be a zip bomb");
        }

        return [.. wanted.Select(name => new InputFile($"{path}:{name}", path, split, () => OpenEntry(path, name, limits)))];
    }

    /// <summary>Refuses an entry that unpacks to more than data does.</summary>
    public static void CheckRatio(string path, string entry, long unpacked, long packed, ZipLimits limits)
    {
        if (unpacked > limits.FreeBytes && unpacked / limits.Ratio > packed)
        {
            throw new InputException($"{path}:{entry} unpacks to more than {limits.Ratio} times its size, as no data does: it may be a zip bomb");
        }
    }

    private static IReadOnlyList<string> Wanted(string[] names, string split, string path)
    {
        string[] files = [.. names.Where(static name => !name.EndsWith('/') && !name.StartsWith("__MACOSX/", StringComparison.Ordinal))];
        IGrouping<int, string>? nearest = files.Where(name => DataFiles.IsOfSplit(name, split) == true && DataFiles.KnownFormat(name) is not null)
            .GroupBy(static name => name.Count(static c => c == '/')).MinBy(static depth => depth.Key);
        return DataFiles.OfSplit(nearest ?? (IEnumerable<string>)files, split, path);
    }

    private static bool LeadsOutside(string name) =>
        name.StartsWith('/') || name.StartsWith('\\') || (name.Length > 1 && name[1] == ':') || name.Contains('\0', StringComparison.Ordinal)
        || name.Split('/', '\\').Contains("..");

    private static Stream OpenEntry(string path, string name, ZipLimits limits)
    {
        ZipArchive archive = OpenArchive(path);
        try
        {
            ZipArchiveEntry entry = archive.GetEntry(name) ?? throw new InputException($"{path} changed while it was read: {name} is gone");
            return new ZipEntryStream(archive, entry, Guarded(path, entry.Open), path, limits);
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    private static ZipArchive OpenArchive(string path)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"the data file {path} does not exist", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"the data file {path} cannot be read: {e.Message}", e);
        }

        try
        {
            return Guarded(path, () => new ZipArchive(file, ZipArchiveMode.Read));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static T Guarded<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or NotSupportedException or ArgumentException)
        {
            throw new InputException($"the zip file {path} can't be read, so it may be damaged: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}", e);
        }
    }

    private static string Gibibytes(long bytes) => FormattableString.Invariant($"{bytes / (double)(1 << 30):0.#} GiB");
}
