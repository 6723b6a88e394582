using System.CommandLine;
using System.Globalization;
using MnrEngine.Data;
using MnrEngine.Evaluation;
using MnrEngine.Hub;
using MnrEngine.Serialization;
using MnrEngine.Trainer.Config;
using MnrEngine.Trainer.Runs;
using Spectre.Console;
using SimilarityFunction = MnrEngine.Evaluation.SimilarityFunction;

namespace MnrEngine.Trainer.Commands;

/// <summary><c>evaluate</c>: how well a model's similarities follow people's, tell pairs apart or find documents.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        Argument<string> model = new("model") { Description = "The model's folder, or its id on the Hugging Face hub." };
        Option<string[]> sts = new("--sts") { Description = "A file of sentence pairs with scores, or the id of such a data set on the Hugging Face hub, perhaps with its subset and split: OWNER/NAME:SUBSET:SPLIT; may be repeated.", HelpName = "file" };
        Option<string[]> triplets = new("--triplets") { Description = "A file of triplets, or such an id; may be repeated.", HelpName = "file" };
        Option<string[]> pairs = new("--pairs") { Description = "A file of pairs labelled 1 (similar) or 0, or such an id; may be repeated.", HelpName = "file" };
        Option<string?> queries = new("--queries") { Description = "A file of queries (_id, text), or such an id, with --corpus and --relevant.", HelpName = "file" };
        Option<string?> corpus = new("--corpus") { Description = "A file of documents (_id, text, perhaps title), or such an id.", HelpName = "file" };
        Option<string?> relevant = new("--relevant") { Description = "A file of which documents are relevant to which query (query-id, corpus-id, perhaps score), or such an id.", HelpName = "file" };
        Option<SimilarityFunction[]> similarities = new("--similarity")
        {
            Description = "How embeddings are compared in --triplets, --pairs and --queries: cosine, dot, euclidean or manhattan; may be repeated. The model's own when left out.",
            HelpName = "function",
        };
        Option<string?> csv = new("--csv") { Description = "Append a line for each --sts file to this CSV file, in sentence-transformers' form." };
        Option<string> split = new("--split") { Description = "The split of data sets on the hub whose ids name none, for --sts, --triplets and --pairs.", DefaultValueFactory = static _ => RowEvaluatorConfig.DefaultSplit };
        Option<string?> subset = new("--subset") { Description = "The subset of such data sets, where they have several and their ids name none." };
        Option<string?> csvFolder = new("--csv-folder") { Description = "Append a line to each evaluator's own CSV file in this folder, as sentence-transformers does.", HelpName = "folder" };
        Option<double?> scale = new("--score-scale") { Description = "The highest score that --sts can have; 5 without it." };
        Command command = new("evaluate", "Judges a model: by people's similarity scores, by triplets, by labelled pairs, or by the documents it finds.")
        {
            model, sts, triplets, pairs, queries, corpus, relevant, similarities, csv, csvFolder, split, subset, scale,
        };
        EncoderOptions.OnCommandLine options = new(command);
        command.SetAction(parsed =>
        {
            string?[] retrieval = [parsed.GetValue(queries), parsed.GetValue(corpus), parsed.GetValue(relevant)];
            if (retrieval.Any(static file => file is null) && retrieval.Any(static file => file is not null))
            {
                throw new InputException("--queries, --corpus and --relevant belong together, but one of them is missing");
            }

            Choice choice = new(parsed.GetValue(subset), parsed.GetRequiredValue(split));
            Sources sources = new(
                [.. (parsed.GetValue(sts) ?? []).Select(path => new StsConfig { Path = path, Subset = choice.SubsetOf(path), Split = choice.SplitOf(path), ScoreScale = parsed.GetValue(scale) })],
                [.. (parsed.GetValue(triplets) ?? []).Select(path => new TripletsConfig { Path = path, Subset = choice.SubsetOf(path), Split = choice.SplitOf(path) })],
                [.. (parsed.GetValue(pairs) ?? []).Select(path => new BinaryClassificationConfig { Path = path, Subset = choice.SubsetOf(path), Split = choice.SplitOf(path) })],
                retrieval is [string asked, string documents, string judged] ? new InformationRetrievalConfig { Queries = asked, Corpus = documents, RelevantDocs = judged } : null);
            if (sources is { Sts.Length: 0, Triplets.Length: 0, Pairs.Length: 0, Retrieval: null })
            {
                throw new InputException("there is nothing to evaluate with: give --sts, --triplets, --pairs, or --queries with --corpus and --relevant");
            }

            SimilarityFunction[] functions = [.. (parsed.GetValue(similarities) ?? []).Distinct()];
            Run(
                parsed.GetRequiredValue(model), sources, functions.Length == 0 ? null : functions, parsed.GetValue(csv), parsed.GetValue(csvFolder), options.Read(parsed),
                parsed.InvocationConfiguration.Output);
        });
        return command;
    }

    private sealed record Sources(StsConfig[] Sts, TripletsConfig[] Triplets, BinaryClassificationConfig[] Pairs, InformationRetrievalConfig? Retrieval);

    /// <summary>What --subset and --split say about data sets whose ids say nothing themselves.</summary>
    private sealed record Choice(string? Subset, string Split)
    {
        public string? SubsetOf(string path) => IdOf(path) is { Subset: not null } ? null : Subset;

        public string? SplitOf(string path) => IdOf(path) is { Split: not null } ? null : Split;

        private static DatasetReference? IdOf(string path) => HubFiles.IsId(path, HubKind.Dataset) ? DatasetReference.TryParse(path) : null;
    }

    private static void Run(string model, Sources sources, SimilarityFunction[]? functions, string? csv, string? csvFolder, EncoderOptions options, TextWriter output)
    {
        // What can't be kept shows before the work, not after it.
        foreach (string file in ((string?[])[csv, csvFolder is null ? null : Path.Combine(csvFolder, "results.csv")]).OfType<string>())
        {
            AtomicFile.CheckWritable(file);
        }

        (string Name, StsDataset Pairs)[] sets = [.. sources.Sts.Select(set => (set.DisplayName, EvaluationRows.Load(set, options.Log)))];
        TextDataset[] triplets = [.. sources.Triplets.Select(set => EvaluationRows.Load(set, options.Log))];
        TextDataset[] pairs = [.. sources.Pairs.Select(set => EvaluationRows.Load(set, options.Log))];
        RetrievalDataset? retrieval = sources.Retrieval is null ? null : EvaluationRows.Load(sources.Retrieval, options.Log);
        using LoadedEncoder encoder = LoadedEncoder.Open(model, options);
        foreach ((string name, StsDataset set) in sets)
        {
            SimilarityScores scores = EmbeddingSimilarity.Evaluate(
                encoder.Embed(encoder.Tokenize(set.Sentences1)), encoder.Embed(encoder.Tokenize(set.Sentences2)), encoder.Dimension, [.. set.Scores]);
            Show(name, set.Count, scores, output);
            if (csv is not null)
            {
                Append(csv, scores);
            }

            if (csvFolder is not null)
            {
                Append(Path.Combine(csvFolder, SimilarityCsv.FileName(name)), scores);
            }
        }

        for (int i = 0; i < triplets.Length; i++)
        {
            Show(new TripletEvaluator(sources.Triplets[i].DisplayName, triplets[i], encoder.Encoder, functions, csvFolder: csvFolder), triplets[i].Count, "triplets", encoder, output);
        }

        for (int i = 0; i < pairs.Length; i++)
        {
            Show(new BinaryClassificationEvaluator(sources.Pairs[i].DisplayName, pairs[i], encoder.Encoder, functions, csvFolder), pairs[i].Count, "pairs", encoder, output);
        }

        if (retrieval is not null)
        {
            Show(
                new InformationRetrievalEvaluator(sources.Retrieval!.DisplayName, retrieval, encoder.Encoder, functions: functions, csvFolder: csvFolder),
                retrieval.Queries.Count, "queries", encoder, output);
        }
    }

    private static void Show(IEvaluator evaluator, int count, string what, LoadedEncoder encoder, TextWriter output)
    {
        EvaluationFigures figures;
        try
        {
            figures = evaluator.Evaluate(encoder.Embedder, moment: null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"the CSV file can't be written: {error.Message}", error);
        }

        Table table = new Table().Border(TableBorder.Simple).AddColumn("figure").AddColumn(new TableColumn("value").RightAligned());
        foreach ((string key, double value) in figures.Values)
        {
            table.AddRow(Markup.Escape(Short(evaluator, key)), Figure(value));
        }

        Write(table, output);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{evaluator.Name} {Short(evaluator, figures.PrimaryMetric)}: {figures.Values[figures.PrimaryMetric]:0.0000} ({count:N0} {what})"));
    }

    private static string Short(IEvaluator evaluator, string key) => key.StartsWith(evaluator.Name + "_", StringComparison.Ordinal) ? key[(evaluator.Name.Length + 1)..] : key;

    private static void Show(string name, int pairs, SimilarityScores scores, TextWriter output)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("similarity").AddColumn(new TableColumn("Pearson").RightAligned()).AddColumn(new TableColumn("Spearman").RightAligned());
        foreach (SimilarityFunction function in SimilarityScores.AllFunctions)
        {
            table.AddRow(SimilarityScores.NameOf(function), Figure(scores[function].Pearson), Figure(scores[function].Spearman));
        }

        table.AddRow("max", Figure(scores.PearsonMax), Figure(scores.SpearmanMax));
        Write(table, output);
        if (double.IsNaN(scores.Cosine.Spearman))
        {
            output.WriteLine("where all scores or all similarities of the pairs are the same there is no correlation: NaN");
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} spearman_cosine: {scores.Cosine.Spearman:0.0000} ({pairs:N0} pairs)"));
    }

    private static void Write(Table table, TextWriter output)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Interactive = InteractionSupport.No });
        console.Write(table);
    }

    private static void Append(string csv, SimilarityScores scores)
    {
        try
        {
            SimilarityCsv.Append(csv, epoch: null, steps: null, scores, SimilarityScores.AllFunctions);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{csv} can't be written: {error.Message}", error);
        }
    }

    private static string Figure(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}
