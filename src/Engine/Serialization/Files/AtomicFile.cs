namespace MnrEngine.Serialization;

/// <summary>
/// Replaces a file as a whole: whoever opens it, at any time and after a crash at any time, finds the old content or the new one,
/// never a part. The new content is written to a hidden file beside it (<c>.NAME.new</c>), flushed, and renamed over it.
/// </summary>
public static class AtomicFile
{
    /// <summary>Writes a file. Only one writer may be at a path at a time.</summary>
    /// <param name="path">The file; it and the folders above it need not exist.</param>
    /// <param name="write">Writes the content. When it throws, the file stays as it was.</param>
    /// <exception cref="InputException">The file can't be written: no permission, no space, or a folder is at its place.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string target = Durable.Target(path);
        string fresh = Durable.Sibling(target, "new");
        try
        {
            if (Directory.Exists(target))
            {
                throw new InputException($"{path} can't be written: it is a folder");
            }

            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using (FileStream stream = new(fresh, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(fresh, target, overwrite: true);
            Durable.FlushFolder(Path.GetDirectoryName(target)!);
        }
        catch (Exception error)
        {
            Remove(fresh);
            if (Durable.IsRefusal(error))
            {
                throw Durable.CanNotWrite(path, error);
            }

            throw;
        }
    }

    /// <summary>Finds out before long work whether <see cref="Write"/> could write a file, and leaves everything as it is.</summary>
    /// <exception cref="InputException">It could not: no permission, or something else is at the place of the file or of a folder above it.</exception>
    public static void CheckWritable(string path)
    {
        string target = Durable.Target(path);
        if (Directory.Exists(target))
        {
            throw new InputException($"{path} can't be written: it is a folder");
        }

        string folder = Path.GetDirectoryName(target)!;
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is string above)
        {
            if (File.Exists(folder))
            {
                throw new InputException($"{path} can't be written: {folder} is a file where a folder is expected");
            }

            folder = above;
        }

        try
        {
            string trial = Durable.Sibling(Path.Combine(folder, Path.GetFileName(target)), "new");
            new FileStream(trial, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception error) when (Durable.IsRefusal(error))
        {
            throw Durable.CanNotWrite(path, error);
        }
    }

    /// <summary>Removes what a failed write left. When even that is refused, the write's own error matters more; the next write overwrites it.</summary>
    private static void Remove(string fresh)
    {
        try
        {
            File.Delete(fresh);
        }
        catch (Exception error) when (Durable.IsRefusal(error))
        {
        }
    }
}
