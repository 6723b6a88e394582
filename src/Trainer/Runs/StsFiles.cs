using MnrEngine.Data;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Runs;

/// <summary>Reads scored sentence pairs, from files or from the hub.</summary>
internal static class StsFiles
{
    /// <summary>Reads the pairs that a config names.</summary>
    /// <param name="sts">What it says.</param>
    /// <param name="log">Where downloads are shown.</param>
    /// <exception cref="InputException">A file is missing or wrong, or there is no such data set.</exception>
    public static StsDataset Load(StsConfig sts, TextWriter log)
    {
        StsDataset[] files = [.. HubFiles.Data(sts.Path, sts.Subset, sts.Split ?? StsConfig.DefaultSplit, sts.Revision, log).Select(file => StsDataset.Load(new DatasetSource(file)
        {
            Format = DataFormats.Of(sts.Format),
            Columns = sts.Columns,
            HasHeader = sts.HasHeader,
        }))];
        return files.Length == 1 ? files[0]
            : new StsDataset([.. files.SelectMany(static file => file.Sentences1)], [.. files.SelectMany(static file => file.Sentences2)], [.. files.SelectMany(static file => file.Scores)]);
    }
}
