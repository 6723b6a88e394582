using MnrEngine.Data;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Runs;

/// <summary>The config's names of file formats.</summary>
internal static class DataFormats
{
    /// <summary>The format that a name means; null for none.</summary>
    public static DataFormat? Of(FileFormat? format) => format switch
    {
        FileFormat.Tsv => DataFormat.Tsv,
        FileFormat.Csv => DataFormat.Csv,
        FileFormat.JsonLines => DataFormat.JsonLines,
        FileFormat.Parquet => DataFormat.Parquet,
        _ => null,
    };
}
