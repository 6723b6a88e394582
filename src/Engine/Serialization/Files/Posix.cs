using System.Runtime.InteropServices;

namespace MnrEngine.Serialization;

/// <summary>The functions of the C library that make replaced files and folders survive a power failure, where .NET has none.</summary>
internal static partial class Posix
{
    public const int CurrentFolder = -100;

    public const uint RenameExchange = 2;

    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    public static partial int FlushToDisk(int file);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int file);

    /// <summary>Linux only; not every file system can exchange.</summary>
    [LibraryImport(Library, EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Rename(int fromFolder, string from, int toFolder, string to, uint flags);
}
