namespace MnrEngine.Hub;

/// <summary>Is told how downloads go. One file is fetched at a time.</summary>
public interface IDownloadProgress
{
    /// <summary>A file begins to be fetched, or goes on.</summary>
    /// <param name="file">Its name, with that of its repository.</param>
    /// <param name="size">Its size in bytes.</param>
    /// <param name="present">How many of them are there from an earlier attempt.</param>
    void Begin(string file, long size, long present);

    /// <summary>How many bytes of the file are there now; fewer than before when it has to start over.</summary>
    void Reached(long present);

    /// <summary>The file is complete and its content has been verified.</summary>
    void End();

    /// <summary>A line for a person.</summary>
    void Message(string line);
}

/// <summary>Shows nothing.</summary>
internal sealed class NoProgress : IDownloadProgress
{
    public void Begin(string file, long size, long present)
    {
    }

    public void Reached(long present)
    {
    }

    public void End()
    {
    }

    public void Message(string line)
    {
    }
}
