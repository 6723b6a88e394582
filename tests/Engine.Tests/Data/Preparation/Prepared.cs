using System.IO.Compression;
using System.Text;
using MnrEngine.Data;
using MnrEngine.Data.Preparation;
using MnrEngine.Testing;

namespace MnrEngine.Engine.Tests.Data.Preparation;

/// <summary>A folder with inputs, and what preparing them gives.</summary>
internal sealed class Prepared : IDisposable
{
    public TemporaryFolder Folder { get; } = new();

    public string Output(string name = "out.tsv") => Folder.Path(name);

    public PreparationReport Run(PreparedRows rows, string output, params string[] inputs) =>
        Run(new PreparationOptions { Inputs = [.. inputs], Output = Output(output), Rows = rows });

    public static PreparationReport Run(PreparationOptions options, CancellationToken stop = default) => MnrEngine.Data.Preparation.Preparation.Run(options, stop);

    /// <summary>The rows written, each with its columns joined by bars.</summary>
    public string[] Rows(string output = "out.tsv")
    {
        TextDataset data = TextDataset.Load(new DatasetSource(Output(output)));
        return [.. Enumerable.Range(0, data.Count).Select(row => string.Join('|', data.Columns.Select(column => column[row]).Concat(data.Labels is null ? [] : [data.Labels[row]])))];
    }

    /// <summary>Writes a zip file of these entries.</summary>
    public string Zip(string name, params (string Entry, string Text)[] entries)
    {
        string path = Folder.Path(name);
        using ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach ((string entry, string text) in entries)
        {
            using Stream stream = archive.CreateEntry(entry, CompressionLevel.Optimal).Open();
            stream.Write(Encoding.UTF8.GetBytes(text));
        }

        return path;
    }

    public void Dispose() => Folder.Dispose();
}
