using MnrEngine.Data;
using MnrEngine.Data.Sampling;
using MnrEngine.Evaluation;
using MnrEngine.Kernels;
using MnrEngine.Losses;
using MnrEngine.Models;
using MnrEngine.Serialization;
using MnrEngine.Trainer.Config;
using MnrEngine.Training;

namespace MnrEngine.Trainer.Runs;

/// <summary>What a config names, loaded: the model on the device, the rows, the batches and the evaluations.</summary>
internal sealed class TrainingInputs : IDisposable
{
    // So many rows are shown in the model's card.
    private const int SampleRows = 3;

    private TrainingInputs(TrainingRows rows, SentenceEncoder encoder, TrainingData data, IBatchSampler sampler, IReadOnlyList<IEvaluator> evaluators)
    {
        // The data set itself is not kept: its texts go when they are tokenised.
        Files = rows.Dataset.Files;
        ColumnNames = rows.Dataset.ColumnNames;
        Samples = [.. Enumerable.Range(0, Math.Min(SampleRows, data.Rows)).Select(rows.Dataset.Row)];
        Loss = rows.Loss;
        Encoder = encoder;
        Data = data;
        Sampler = sampler;
        Evaluators = evaluators;
    }

    /// <summary>What became of the rows of each file.</summary>
    public IReadOnlyList<FileReport> Files { get; }

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> ColumnNames { get; }

    /// <summary>The texts of the first rows.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Samples { get; }

    /// <summary>The loss.</summary>
    public SentenceLoss Loss { get; }

    /// <summary>The model.</summary>
    public SentenceEncoder Encoder { get; }

    /// <summary>The rows as tokens.</summary>
    public TrainingData Data { get; }

    /// <summary>Decides the batches.</summary>
    public IBatchSampler Sampler { get; }

    /// <summary>The evaluations, in the config's order.</summary>
    public IReadOnlyList<IEvaluator> Evaluators { get; }

    /// <summary>Loads everything. Text is read before the model, so that what is wrong with small files shows first.</summary>
    /// <param name="config">The config.</param>
    /// <param name="kernels">The device.</param>
    /// <param name="csvFolder">Where evaluations write their CSV files.</param>
    /// <param name="log">Where it is shown that something is fetched from the hub.</param>
    /// <exception cref="InputException">A file is missing or wrong, or they don't fit together.</exception>
    public static TrainingInputs Load(TrainingConfig config, IKernels kernels, string csvFolder, TextWriter log)
    {
        TrainingRows rows = TrainingRows.Load(config, rule => LoadDataset(config, rule, log));
        TextDataset dataset = rows.Dataset;
        IBatchSampler sampler = CreateSampler(config, dataset);
        EvaluationData evaluations = EvaluationData.Load(config.Evaluation, log);
        SentenceEncoder encoder = LoadModel(config, kernels, log);
        TrainingData? data = null;
        try
        {
            data = new TrainingData(dataset, encoder, rows.Labels);
            IEvaluator[] evaluators = evaluations.Evaluators(encoder, csvFolder);
            return new TrainingInputs(rows, encoder, data, sampler, evaluators);
        }
        catch
        {
            data?.Dispose();
            encoder.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Data.Dispose();
        Encoder.Dispose();
    }

    private static TextDataset LoadDataset(TrainingConfig config, LabelRule? rule, TextWriter log)
    {
        TextDataset all = TextDataset.Load([.. config.Data.Files.SelectMany(file => Sources(config, file, log)).Select(source => source with { LabelRule = rule })]);
        return config.Data.Limit < all.Count ? all.Take(config.Data.Limit.Value) : all;
    }

    private static IEnumerable<DatasetSource> Sources(TrainingConfig config, DataFileConfig file, TextWriter log)
    {
        NamedRows rows = new(file.Path, DataFileConfig.DefaultSplit)
        {
            Subset = file.Subset,
            Split = file.Split,
            Revision = file.Revision,
            PreferredSubsets = (file.Labels ?? config.Data.Labels) is null ? config.Loss.SubsetsOfRows() : ["pair-class"],
        };
        return HubFiles.Data(rows, log).Select(path => Source(config.Data, file, path));
    }

    private static DatasetSource Source(DataConfig all, DataFileConfig file, string path) => new(path)
    {
        Format = DataFormats.Of(file.Format ?? all.Format),
        Columns = file.Columns ?? all.Columns,
        LabelColumn = file.LabelColumn ?? all.LabelColumn,
        Labels = file.Labels ?? all.Labels,
        HasHeader = file.HasHeader ?? all.HasHeader,
    };

    private static IBatchSampler CreateSampler(TrainingConfig config, TextDataset dataset)
    {
        if (config.Data.Batches is string batches)
        {
            return ReplaySampler.Load(batches, dataset.Count);
        }

        return config.BatchSampler switch
        {
            BatchSampler.InOrder => new SequentialSampler(dataset.Count, config.BatchSize, config.DropLast),
            BatchSampler.Shuffled => new ShuffledSampler(dataset.Count, config.BatchSize, config.Seed, config.DropLast),
            BatchSampler.NoDuplicates => new NoDuplicatesSampler(dataset, config.BatchSize, config.Seed, config.DropLast),
            BatchSampler.NoDuplicatesLegacy => new LegacyNoDuplicatesSampler(dataset, config.BatchSize, config.Seed),
            _ => throw new InvalidOperationException($"no sampler {config.BatchSampler}"),
        };
    }

    private static SentenceEncoder LoadModel(TrainingConfig config, IKernels kernels, TextWriter log)
    {
        if (config.Model.New is NewModelConfig shape)
        {
            return NewEncoder.Create(config, shape, shape.Seed ?? config.Seed, kernels);
        }

        string folder = HubFiles.Model(config.Model.Path!, log, config.Model.Revision);
        using (ModelFolder files = ModelFolder.Open(folder))
        {
            int longest = files.Description.Transformer.LongestSentence;
            config.CheckLength(longest, $"{config.Model.Path} has only {longest} positions");
        }

        return SentenceEncoder.Load(folder, kernels, training: true, config.Model.MaxSeqLength);
    }
}
