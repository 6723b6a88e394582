using System.Text;
using MnrEngine.Serialization;

namespace MnrEngine.Trainer.Reporting;

/// <summary>A run's folder: where what lies in it, and whether it may be used.</summary>
internal sealed class OutputFolder
{
    /// <summary>Names the folder; nothing is created.</summary>
    public OutputFolder(string path)
    {
        Path = path;
    }

    /// <summary>The folder itself.</summary>
    public string Path { get; }

    /// <summary>The trained model.</summary>
    public string Model => In("model");

    /// <summary>The folder of checkpoints.</summary>
    public string Checkpoints => In("checkpoints");

    /// <summary>One JSON object a step.</summary>
    public string Metrics => In("metrics.jsonl");

    /// <summary>The folder for TensorBoard.</summary>
    public string TensorBoard => In("tensorboard");

    /// <summary>The chart of the run.</summary>
    public string Chart => In("chart.png");

    /// <summary>The config as it was run, with every default written out.</summary>
    public string Config => In("config.json");

    /// <summary>The folder of the evaluators' CSV files.</summary>
    public string Evaluations => In("eval");

    /// <summary>Whether a run may use the folder. Nothing is changed.</summary>
    /// <param name="mayHoldRun">Whether an earlier run in it may be replaced or continued.</param>
    /// <exception cref="InputException">It may not.</exception>
    public void Check(bool mayHoldRun)
    {
        if (File.Exists(Path))
        {
            throw new InputException($"output {Path} is a file, but has to be a folder");
        }

        if (File.Exists(Model) && new FileInfo(Model).LinkTarget is null)
        {
            throw new InputException($"{Model} is a file, but the trained model becomes a folder of that name");
        }

        if (!mayHoldRun && Directory.Exists(Path) && Directory.EnumerateFileSystemEntries(Path).Any())
        {
            throw new InputException($"the output folder {Path} is not empty: choose another one, or set overwrite to true to replace the run in it, or resume to \"auto\" to continue it");
        }
    }

    /// <summary>Makes the folder ready for a run, before anything is computed.</summary>
    /// <param name="keepEarlierRun">
    /// False removes the files of an earlier run. Its model stays until the new one is saved in its place, and what no run wrote stays anyway.
    /// </param>
    /// <param name="config">The config as it is run.</param>
    /// <returns>Keeps other runs out of the folder until it is disposed of or the process ends, however that happens.</returns>
    /// <exception cref="InputException">It can't be written, or another run is writing it.</exception>
    public IDisposable Prepare(bool keepEarlierRun, string config)
    {
        FileStream? held = null;
        try
        {
            Directory.CreateDirectory(Path);
            held = new FileStream(In(".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            if (!keepEarlierRun)
            {
                RemoveEarlierRun();
            }

            AtomicFile.Write(Config, stream => stream.Write(Encoding.UTF8.GetBytes(config)));
            return held;
        }
        catch (Exception error)
        {
            held?.Dispose();
            if (error is not (IOException or UnauthorizedAccessException))
            {
                throw;
            }

            throw held is null && IsHeldByAnother(error)
                ? new InputException($"another run is writing the output folder {Path}: let it end, or choose another folder", error)
                : new InputException($"the output folder {Path} can't be written: {error.Message}", error);
        }
    }

    /// <summary>Whether a file can't be opened because another process keeps it to itself: EWOULDBLOCK on Linux or macOS, or Windows' sharing violation.</summary>
    private static bool IsHeldByAnother(Exception error) => error.HResult is 11 or 35 or unchecked((int)0x80070020);

    private void RemoveEarlierRun()
    {
        foreach (string folder in (string[])[Checkpoints, TensorBoard, Evaluations])
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        foreach (string file in (string[])[Metrics, Chart, Config])
        {
            File.Delete(file);
        }
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
