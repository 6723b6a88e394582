using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using MnrEngine.Data;
using MnrEngine.Data.Preparation;
using MnrEngine.Hub;
using MnrEngine.Serialization;
using MnrEngine.Text;
using MnrEngine.Trainer.Preparation;
using MnrEngine.Trainer.Runs;

namespace MnrEngine.Trainer.Commands;

/// <summary><c>prepare</c>: data sets as they are published in, the rows that a loss needs out.</summary>
internal static class PrepareCommand
{
    private const string NoHistogram = "none";
    private const string Vocabulary = "MnrEngine.Trainer.vocab.txt";

    private static readonly Dictionary<string, PreparedRows> Kinds = new(StringComparer.Ordinal)
    {
        ["pairs"] = PreparedRows.Pairs,
        ["triplets"] = PreparedRows.Triplets,
        ["labelled"] = PreparedRows.Labelled,
        ["sts"] = PreparedRows.Sts,
    };

    private static readonly Dictionary<string, DataFormat> Formats = new(StringComparer.Ordinal)
    {
        ["tsv"] = DataFormat.Tsv,
        ["csv"] = DataFormat.Csv,
        ["jsonl"] = DataFormat.JsonLines,
        ["parquet"] = DataFormat.Parquet,
    };

    public static Command Create()
    {
        Argument<string[]> inputs = new("input")
        {
            Description = "SNLI, MultiNLI, all-nli, STSb or rows like theirs: .jsonl, .txt, .tsv, .csv (also .gz) or .parquet files, patterns with *, folders, .zip files, or ids of data sets on the Hugging Face hub, behind which their subset and split may stand: nyu-mll/glue:mnli:validation_matched.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string> output = new("--output", "-o") { Description = "The result: .tsv, .csv, .jsonl (also .gz) or .parquet.", Required = true };
        Option<string> to = new("--to") { Description = "What the result holds: pairs, triplets, labelled (rows) or sts.", Required = true, HelpName = "rows" };
        Option<bool?> both = new("--both-directions")
        {
            Description = "For triplets of labelled rows: count each row in both directions, as training_nli_v2 does. true unless set to false, which makes one triplet a premise.",
        };
        Option<bool> dropDuplicates = new("--drop-duplicates") { Description = "Leave out rows that were written before; they are counted in any case." };
        Option<string> split = new("--split")
        {
            Description = "Which split of folders, zip files, split columns and data sets on the hub is read, where an id names none: train, dev or test, or validation_matched and the like.",
            DefaultValueFactory = static _ => "train",
        };
        Option<string?> subset = new("--subset") { Description = "The subset of data sets on the hub whose ids name none. Without it their default, or the one that is made for --to: pair, triplet, pair-class or pair-score." };
        Option<string[]> columns = new("--columns") { Description = "The columns with the texts (for sts, and the score), by name or number from 0.", AllowMultipleArgumentsPerToken = true };
        Option<string?> format = new("--format") { Description = "How the inputs are written: tsv, csv, jsonl or parquet. Without it their names tell." };
        Option<string?> label = new("--label-column") { Description = "The column with the label, by name or number from 0." };
        Option<double?> scale = new("--score-scale") { Description = "What sts scores are divided by. Without it 5 where one is above 1, else 1." };
        Option<long> seed = new("--seed") { Description = "Decides which entailments and contradictions become triplets.", DefaultValueFactory = static _ => 42 };
        Option<string?> tokenizer = new("--tokenizer") { Description = "A model's folder or its id on the Hugging Face hub, a vocab.txt or a tokenizer.json to count tokens with; bert-base-uncased's without it.", HelpName = "model" };
        Option<string?> histogram = new("--histogram") { Description = "Where the token lengths are drawn: a .png file, or none. Without it beside the result.", HelpName = "file" };
        Command command = new("prepare", "Makes the rows that a loss needs of data sets as they are published.")
        {
            inputs, output, to, both, dropDuplicates, split, subset, columns, format, label, scale, seed, tokenizer, histogram,
        };
        command.SetAction(parsed =>
        {
            CommandLine.CheckArguments(parsed, parsed.GetRequiredValue(inputs));
            PreparedRows rows = Kind(parsed.GetRequiredValue(to));
            if (parsed.GetValue(both) is not null && rows != PreparedRows.Triplets)
            {
                throw new InputException("--both-directions is given, but only --to triplets has directions");
            }

            if (parsed.GetValue(scale) is not null && rows != PreparedRows.Sts)
            {
                throw new InputException("--score-scale is given, but only --to sts has scores");
            }

            if (parsed.GetValue(subset) is string part && !parsed.GetRequiredValue(inputs).Any(static input => HubFiles.IsId(input, HubKind.Dataset)))
            {
                throw new InputException($"--subset {part} is given, but subsets are for data sets of the hub, and no input is the id of one");
            }

            PreparationOptions options = new()
            {
                Inputs = [.. parsed.GetRequiredValue(inputs).SelectMany(input => Files(input, rows, parsed.GetValue(subset), parsed.GetRequiredValue(split), parsed.InvocationConfiguration.Error))],
                Output = parsed.GetRequiredValue(output),
                Rows = rows,
                BothDirections = parsed.GetValue(both) ?? true,
                DropDuplicates = parsed.GetValue(dropDuplicates),
                Split = parsed.GetRequiredValue(split),
                Columns = parsed.GetValue(columns) is { Length: > 0 } named ? [.. named.SelectMany(static name => name.Split(','))] : null,
                Format = parsed.GetValue(format) is string written ? FormatOf(written) : null,
                LabelColumn = parsed.GetValue(label),
                ScoreScale = parsed.GetValue(scale),
                Seed = parsed.GetValue(seed),
            };
            string? tokens = parsed.GetValue(tokenizer) is string model ? HubFiles.Tokenizer(model, parsed.InvocationConfiguration.Error) : null;
            return Run(options, tokens, parsed.GetValue(histogram), parsed.InvocationConfiguration.Output);
        });
        return command;
    }

    /// <summary>The files of a data set on the hub, with their split; what is none stays as it is.</summary>
    private static IEnumerable<PreparationInput> Files(string input, PreparedRows rows, string? subset, string split, TextWriter log)
    {
        if (!HubFiles.IsId(input, HubKind.Dataset))
        {
            return [input];
        }

        DatasetReference named = DatasetReference.TryParse(input)!;
        NamedRows wanted = new(input, split) { Subset = named.Subset ?? subset, PreferredSubsets = [SubsetOf(rows)] };
        return HubFiles.Data(wanted, log).Select(file => new PreparationInput(file, named.Split));
    }

    /// <summary>What sentence-transformers calls the subset of its data sets with such rows.</summary>
    private static string SubsetOf(PreparedRows rows) => rows switch
    {
        PreparedRows.Pairs => "pair",
        PreparedRows.Triplets => "triplet",
        PreparedRows.Sts => "pair-score",
        _ => "pair-class",
    };

    private static int Run(PreparationOptions options, string? tokenizerPath, string? histogram, TextWriter output)
    {
        string? picture = histogram == NoHistogram ? null : histogram ?? PictureBeside(options.Output);
        if (picture is not null && !picture.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
        {
            throw new InputException($"the histogram {picture} has to be a .png file, or {NoHistogram}");
        }

        if (picture is not null)
        {
            AtomicFile.CheckWritable(picture);
        }

        WordPieceTokenizer tokenizer = tokenizerPath is null ? BertTokenizer() : TokenizeCommand.Load(tokenizerPath);
        Stopwatch clock = Stopwatch.StartNew();
        using Interruption interruption = new(output.WriteLine, "stopping; once more ends the program at once");
        PreparationReport report;
        try
        {
            report = MnrEngine.Data.Preparation.Preparation.Run(options, interruption.Stop);
        }
        catch (OperationCanceledException) when (interruption.Stop.IsCancellationRequested)
        {
            output.WriteLine($"stopped; {options.Output} was not written");
            return interruption.ExitCode;
        }

        TimeSpan elapsed = clock.Elapsed;
        PreparationTable.Write(report, options, output);
        Draw(report, tokenizer, options.Output, picture, output);
        long read = report.Sources.Sum(static source => source.Read);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Written:N0} rows ({string.Join(", ", report.Columns)}) in {elapsed.TotalSeconds:0.0} s, {read / elapsed.TotalSeconds:N0} rows read/s: {options.Output}"));
        return ExitCodes.Done;
    }

    /// <summary>The token lengths as a line and a picture; a machine for which Skia has no library gets no picture and is told so.</summary>
    private static void Draw(PreparationReport report, WordPieceTokenizer tokenizer, string name, string? picture, TextWriter output)
    {
        LengthHistogram lengths = new(report.Columns, report.Sample, tokenizer);
        int rows = report.Sample[0].Count;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"tokens of a text, in a sample of {rows:N0} rows: median {lengths.Quantile(0.5):N0}, 95 % at most {lengths.Quantile(0.95):N0}, 99 % at most {lengths.Quantile(0.99):N0}, longest {lengths.Longest:N0}"));
        if (picture is null)
        {
            return;
        }

        try
        {
            lengths.Save(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(name)}: tokens of a text ({rows:N0} rows)"), picture);
            output.WriteLine($"their distribution is in {picture}");
        }
        catch (InputException error)
        {
            // The rows are written by now.
            throw new PreparationException(error.Message, error);
        }
        catch (Exception error) when (error is DllNotFoundException or TypeInitializationException)
        {
            output.WriteLine($"note: no chart can be drawn on this machine: {error.GetBaseException().Message.Split('\n')[0]}");
        }
    }

    private static DataFormat FormatOf(string name) => Formats.TryGetValue(name, out DataFormat format)
        ? format
        : throw new InputException($"--format is '{name}', but has to be one of {string.Join(", ", Formats.Keys)}");

    private static PreparedRows Kind(string name) => Kinds.TryGetValue(name, out PreparedRows kind)
        ? kind
        : throw new InputException($"--to is '{name}', but has to be one of {string.Join(", ", Kinds.Keys)}");

    /// <summary>pairs.tsv.gz gets pairs.tokens.png.</summary>
    private static string PictureBeside(string output)
    {
        string name = output.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? output[..^3] : output;
        return Path.ChangeExtension(name, ".tokens.png");
    }

    private static WordPieceTokenizer BertTokenizer()
    {
        using Stream stream = typeof(PrepareCommand).Assembly.GetManifestResourceStream(Vocabulary)
            ?? throw new InvalidOperationException($"the program was built without {Vocabulary}");
        using StreamReader reader = new(stream);
        return new WordPieceTokenizer(reader.ReadToEnd().TrimEnd('\n').Split('\n'));
    }
}
