namespace MnrEngine.Serialization;

/// <summary>
/// Replaces a folder as a whole: after a crash at any time there is the old folder or the new one, never a mixture. The new one is
/// filled beside it (<c>.NAME.new</c>), flushed, and exchanged with it. Where the system can't exchange two folders in one step
/// (anything but Linux, and some network file systems), the old one is renamed to <c>.NAME.old</c> and the new one takes its place;
/// a crash exactly between the two leaves no folder, and <see cref="Recover"/> brings the old one back.
/// </summary>
public static class AtomicFolder
{
    /// <summary>Replaces a folder, or makes it. Everything that was in it goes. Only one writer may be at a path at a time.</summary>
    /// <param name="path">The folder; it and those above it need not exist.</param>
    /// <param name="fill">Writes the content into the folder it is given. When it throws, the folder at the path stays as it was.</param>
    /// <exception cref="InputException">The folder can't be written: no permission, no space, or a file is at its place.</exception>
    public static void Replace(string path, Action<string> fill) => Replace(path, fill, canExchange: OperatingSystem.IsLinux());

    /// <summary>
    /// Brings a folder into order after a crash: the old folder comes back if it had been moved aside, and what was half written or
    /// already replaced is removed. Readers call it when the folder is missing; a replacement does it by itself.
    /// </summary>
    /// <exception cref="InputException">There is something to be done and it can't be.</exception>
    public static void Recover(string path)
    {
        string target = Durable.Target(path);
        string old = Durable.Sibling(target, "old");
        try
        {
            if (Directory.Exists(old) && !Directory.Exists(target))
            {
                Directory.Move(old, target);
                Durable.FlushFolder(Path.GetDirectoryName(target)!);
            }

            Remove(old);
            Remove(Durable.Sibling(target, "new"));
        }
        catch (Exception error) when (Durable.IsRefusal(error))
        {
            throw Durable.CanNotWrite(path, error);
        }
    }

    /// <summary><see cref="Replace(string, Action{string})"/> with a choice of the way, so that both can be tested.</summary>
    internal static void Replace(string path, Action<string> fill, bool canExchange)
    {
        string target = Durable.Target(path);
        string fresh = Durable.Sibling(target, "new");
        if (File.Exists(target))
        {
            throw new InputException($"{path} can't be written: it is a file where a folder is expected");
        }

        Recover(path);
        try
        {
            Directory.CreateDirectory(fresh);
            fill(fresh);
            Durable.FlushTree(fresh);
            if (!Directory.Exists(target))
            {
                Directory.Move(fresh, target);
            }
            else if (!canExchange || !TryExchange(fresh, target))
            {
                Directory.Move(target, Durable.Sibling(target, "old"));
                Directory.Move(fresh, target);
            }

            Durable.FlushFolder(Path.GetDirectoryName(target)!);
            Recover(path);
        }
        catch (Exception error)
        {
            RecoverAfterFailure(path);
            if (Durable.IsRefusal(error))
            {
                throw Durable.CanNotWrite(path, error);
            }

            throw;
        }
    }

    /// <summary>Exchanges two folders in one step; false where the file system or the C library can't.</summary>
    private static bool TryExchange(string one, string other)
    {
        try
        {
            return Posix.Rename(Posix.CurrentFolder, one, Posix.CurrentFolder, other, Posix.RenameExchange) == 0;
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            return false;
        }
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>When even this is refused, the error that came first matters more; the next replacement does it.</summary>
    private static void RecoverAfterFailure(string path)
    {
        try
        {
            Recover(path);
        }
        catch (InputException)
        {
        }
    }
}
