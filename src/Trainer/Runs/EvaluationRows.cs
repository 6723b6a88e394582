using MnrEngine.Data;
using MnrEngine.Evaluation;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Runs;

/// <summary>Reads what evaluations are made on, from files or from the hub.</summary>
internal static class EvaluationRows
{
    // As the data sets of BEIR and MTEB call them on the hub.
    private const string Queries = "queries";
    private const string Corpus = "corpus";
    private const string RelevantSplit = "test";

    /// <summary>Scored sentence pairs.</summary>
    /// <param name="sts">What the config says.</param>
    /// <param name="log">Where downloads are shown.</param>
    /// <exception cref="InputException">A file is missing or wrong, or there is no such data set.</exception>
    public static StsDataset Load(StsConfig sts, TextWriter log)
    {
        StsDataset[] files = [.. Sources(sts, "pair-score", log).Select(file => StsDataset.Load(file with { Columns = sts.Columns }, sts.ScoreScale))];
        return files.Length == 1 ? files[0]
            : new StsDataset([.. files.SelectMany(static file => file.Sentences1)], [.. files.SelectMany(static file => file.Sentences2)], [.. files.SelectMany(static file => file.Scores)]);
    }

    /// <summary>Triplets.</summary>
    /// <inheritdoc cref="Load(StsConfig, TextWriter)" path="/param"/>
    /// <exception cref="InputException">A file is missing or wrong, or there is no such data set, or its rows are no triplets.</exception>
    public static TextDataset Load(TripletsConfig triplets, TextWriter log)
    {
        TextDataset rows = TextDataset.Load([.. Sources(triplets, "triplet", log).Select(file => file with { Columns = triplets.Columns })]);
        TripletEvaluator.CheckData(rows);
        return rows;
    }

    /// <summary>Labelled pairs.</summary>
    /// <inheritdoc cref="Load(StsConfig, TextWriter)" path="/param"/>
    /// <exception cref="InputException">A file is missing or wrong, or there is no such data set, or its rows are no labelled pairs.</exception>
    public static TextDataset Load(BinaryClassificationConfig pairs, TextWriter log)
    {
        TextDataset rows = TextDataset.Load([.. Sources(pairs, "pair-class", log).Select(file => file with
        {
            Columns = pairs.Columns,
            LabelColumn = pairs.LabelColumn,
            LabelRule = BinaryClassificationEvaluator.Rule,
        })]);
        BinaryClassificationEvaluator.CheckData(rows);
        return rows;
    }

    /// <summary>Queries, documents, and what is relevant to what.</summary>
    /// <inheritdoc cref="Load(StsConfig, TextWriter)" path="/param"/>
    /// <exception cref="InputException">A file is missing or wrong, or there is no such data set, or they don't go together.</exception>
    public static RetrievalDataset Load(InformationRetrievalConfig retrieval, TextWriter log) => RetrievalDataset.Load(
        Sources(retrieval.Queries, Queries, Queries, log), Sources(retrieval.Corpus, Corpus, Corpus, log), Sources(retrieval.RelevantDocs, RelevantSplit, "qrels", log));

    private static DatasetSource[] Sources(RowEvaluatorConfig rows, string preferred, TextWriter log)
    {
        NamedRows named = new(rows.Path, RowEvaluatorConfig.DefaultSplit) { Subset = rows.Subset, Split = rows.Split, Revision = rows.Revision, PreferredSubsets = [preferred] };
        return [.. HubFiles.Data(named, log).Select(file => new DatasetSource(file) { Format = DataFormats.Of(rows.Format), HasHeader = rows.HasHeader })];
    }

    private static DatasetSource[] Sources(string path, string split, string preferred, TextWriter log) =>
        [.. HubFiles.Data(new NamedRows(path, split) { PreferredSubsets = [preferred] }, log).Select(static file => new DatasetSource(file))];
}
