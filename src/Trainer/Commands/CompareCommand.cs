using System.CommandLine;
using System.Text;
using MnrEngine.Data;
using MnrEngine.Serialization;
using MnrEngine.Trainer.Comparisons;
using MnrEngine.Trainer.Runs;

namespace MnrEngine.Trainer.Commands;

/// <summary><c>compare</c>: several models on the same sentence pairs, the best first.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        Argument<string[]> models = new("models") { Description = "The models' folders, or their ids on the Hugging Face hub; LABEL=MODEL gives one another name in the comparison, and is needed to name one twice.", Arity = ArgumentArity.OneOrMore };
        Option<string> sts = new("--sts") { Description = "A file of sentence pairs with scores, or the id of such a data set on the Hugging Face hub, perhaps with its subset and split: OWNER/NAME:SUBSET:SPLIT.", Required = true, HelpName = "file" };
        Option<string?> name = new("--name") { Description = "The name of the sentence pairs in the comparison, instead of the file's." };
        Option<string?> markdown = new("--markdown") { Description = "Write the table to this Markdown file too." };
        Option<string?> json = new("--json") { Description = "Write the figures to this JSON file too." };
        Option<string?> chart = new("--chart") { Description = "Draw the correlations as bars in this .png file." };
        Option<double?> scale = new("--score-scale") { Description = "The highest score that --sts can have; 5 without it." };
        Command command = new("compare", "Scores models on the same sentence pairs: a table, the best first.") { models, sts, name, markdown, json, chart, scale };
        EncoderOptions.OnCommandLine options = new(command);
        command.SetAction(parsed =>
        {
            CommandLine.CheckArguments(parsed, parsed.GetRequiredValue(models));
            EncoderOptions encoding = options.Read(parsed);
            Config.StsConfig file = new() { Path = parsed.GetRequiredValue(sts), ScoreScale = parsed.GetValue(scale) };
            CheckOutputs(parsed.GetValue(markdown), parsed.GetValue(json), parsed.GetValue(chart));
            IReadOnlyList<NamedModel> named = NamedModel.ParseAll(parsed.GetRequiredValue(models));
            StsDataset pairs = EvaluationRows.Load(file, encoding.Log);
            CheckAll(named, encoding.Log);
            Comparison comparison = ModelComparison.Run(named, parsed.GetValue(name) ?? file.DisplayName, pairs, encoding);
            ComparisonText.Show(comparison, parsed.InvocationConfiguration.Output);
            Write(parsed.GetValue(markdown), () => ComparisonText.ToMarkdown(comparison));
            Write(parsed.GetValue(json), () => ComparisonText.ToJson(comparison));
            if (parsed.GetValue(chart) is string picture)
            {
                ComparisonChart.Save(comparison, picture);
            }
        });
        return command;
    }

    /// <summary>A file that can't be written shows before the work, not after it.</summary>
    private static void CheckOutputs(string? markdown, string? json, string? chart)
    {
        if (chart is not null && !chart.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
        {
            throw new InputException($"the chart {chart} has to be a .png file");
        }

        string[] outputs = [.. ((string?[])[markdown, json, chart]).OfType<string>()];
        foreach (string output in outputs)
        {
            AtomicFile.CheckWritable(output);
        }

        if (outputs.GroupBy(Path.GetFullPath).FirstOrDefault(static same => same.Count() > 1) is IGrouping<string, string> twice)
        {
            throw new InputException($"{twice.First()} is named for two of --markdown, --json and --chart, but holds one of them");
        }
    }

    /// <summary>What is wrong with the last model shows before the first is run.</summary>
    private static void CheckAll(IEnumerable<NamedModel> models, TextWriter log)
    {
        foreach (NamedModel model in models)
        {
            ModelFolder.Open(HubFiles.Model(model.Model, log)).Dispose();
        }
    }

    private static void Write(string? path, Func<string> text)
    {
        if (path is not null)
        {
            AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text())));
        }
    }
}
