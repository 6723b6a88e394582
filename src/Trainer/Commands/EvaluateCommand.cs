using System.CommandLine;
using System.Globalization;
using MnrEngine.Data;
using MnrEngine.Evaluation;
using MnrEngine.Trainer.Runs;
using Spectre.Console;

namespace MnrEngine.Trainer.Commands;

/// <summary><c>evaluate</c>: how well a model's similarities follow people's.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        Argument<string> model = new("model") { Description = "The model's folder, or its id on the Hugging Face hub." };
        Option<string[]> sts = new("--sts") { Description = "A file of sentence pairs with scores, or the id of such a data set on the Hugging Face hub; may be repeated.", Required = true, HelpName = "file" };
        Option<string?> csv = new("--csv") { Description = "Append a line for each file to this CSV file, in sentence-transformers' form." };
        Option<string> split = new("--split") { Description = "The split of a data set on the hub.", DefaultValueFactory = static _ => Config.StsConfig.DefaultSplit };
        Option<string?> subset = new("--subset") { Description = "The subset of a data set on the hub, if it has several." };
        Command command = new("evaluate", "Correlates a model's similarities with people's scores.") { model, sts, csv, split, subset };
        EncoderOptions.OnCommandLine options = new(command);
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(model), parsed.GetRequiredValue(sts), parsed.GetValue(subset), parsed.GetRequiredValue(split), parsed.GetValue(csv), options.Read(parsed), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static void Run(string model, string[] files, string? subset, string split, string? csv, EncoderOptions options, TextWriter output)
    {
        (string Name, StsDataset Pairs)[] sets = [.. files
            .Select(file => new Config.StsConfig { Path = file, Subset = subset, Split = split })
            .Select(sts => (sts.DisplayName, StsFiles.Load(sts, options.Log)))];
        using LoadedEncoder encoder = LoadedEncoder.Open(model, options);
        foreach ((string name, StsDataset pairs) in sets)
        {
            SimilarityScores scores = EmbeddingSimilarity.Evaluate(
                encoder.Embed(encoder.Tokenize(pairs.Sentences1)), encoder.Embed(encoder.Tokenize(pairs.Sentences2)), encoder.Dimension, [.. pairs.Scores]);
            Show(name, pairs.Count, scores, output);
            if (csv is not null)
            {
                Append(csv, scores);
            }
        }
    }

    private static void Show(string name, int pairs, SimilarityScores scores, TextWriter output)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("similarity").AddColumn(new TableColumn("Pearson").RightAligned()).AddColumn(new TableColumn("Spearman").RightAligned());
        foreach (SimilarityFunction function in SimilarityScores.AllFunctions)
        {
            table.AddRow(SimilarityScores.NameOf(function), Figure(scores[function].Pearson), Figure(scores[function].Spearman));
        }

        table.AddRow("max", Figure(scores.PearsonMax), Figure(scores.SpearmanMax));
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Interactive = InteractionSupport.No });
        console.Write(table);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} spearman_cosine: {scores.Cosine.Spearman:0.0000} ({pairs:N0} pairs)"));
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
