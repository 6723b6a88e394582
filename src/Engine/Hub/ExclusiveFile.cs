namespace MnrEngine.Hub;

/// <summary>
/// Opens files that only one process may have open. On Unix .NET does so with flock and on Windows by refusing to share: both are what Python's filelock
/// does to the same files.
/// </summary>
internal static class ExclusiveFile
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Opens a file, and makes it if it is missing. While another process has it open, this waits.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="waiting">Is called once when it takes long.</param>
    /// <exception cref="IOException">It can't be opened for another reason.</exception>
    public static FileStream Open(string path, Action waiting)
    {
        DateTime start = DateTime.UtcNow;
        bool told = false;
        while (true)
        {
            try
            {
                FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
                if (File.Exists(path))
                {
                    return file;
                }

                // The one who had it has deleted it in the meantime, so that others would make a new one.
                file.Dispose();
                continue;
            }
            catch (IOException error) when (error is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException) && IsHeld(error))
            {
            }

            if (!told && DateTime.UtcNow - start > Patience)
            {
                told = true;
                waiting();
            }

            Thread.Sleep(Interval);
        }
    }

    /// <summary>Whether another process holds the file: EWOULDBLOCK on Linux and on macOS, a sharing or lock violation on Windows.</summary>
    private static bool IsHeld(IOException error) => OperatingSystem.IsWindows() ? (error.HResult & 0xFFFF) is 32 or 33 : error.HResult is 11 or 35;
}
