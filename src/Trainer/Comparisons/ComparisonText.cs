using System.Globalization;
using System.Text;
using System.Text.Json;
using MnrEngine.Trainer.Reporting;

namespace MnrEngine.Trainer.Comparisons;

/// <summary>A comparison as a table on a terminal, as Markdown and as JSON.</summary>
internal static class ComparisonText
{
    /// <summary>Stands for a figure that there is not.</summary>
    public const string None = "-";

    private static readonly string[] OtherTitles = ["parameters", "width", "sentences/s"];

    /// <summary>Shows the table; the best of each score is bold and has a star.</summary>
    public static void Show(Comparison comparison, TextWriter output)
    {
        FigureTable table = new("model", [.. Comparison.Scores.Select(static score => score.Title), .. OtherTitles]);
        foreach (ModelScores model in comparison.Models)
        {
            table.Add(model.Label, Cells(comparison, model, static figure => $"[bold]{figure}*[/]", static figure => $"{figure} "));
        }

        table.Write(output);
        foreach (string line in comparison.Notes.Append(Caption(comparison)))
        {
            output.WriteLine(line);
        }
    }

    /// <summary>A table in Markdown; the best of each score is bold.</summary>
    public static string ToMarkdown(Comparison comparison)
    {
        StringBuilder text = new();
        text.Append("| Model |").AppendJoin(string.Empty, Comparison.Scores.Select(static score => score.Title).Concat(OtherTitles).Select(static title => $" {title} |")).Append('\n');
        text.Append("|:--|").AppendJoin(string.Empty, Enumerable.Repeat("--:|", Comparison.Scores.Count + OtherTitles.Length)).Append('\n');
        foreach (ModelScores model in comparison.Models)
        {
            text.Append($"| {model.Label.Replace("|", "\\|", StringComparison.Ordinal)} |")
                .AppendJoin(string.Empty, Cells(comparison, model, static figure => $"**{figure}**", static figure => figure).Select(static cell => $" {cell} |")).Append('\n');
        }

        return text.Append('\n').AppendJoin('\n', comparison.Notes.Append(Caption(comparison))).Append('\n').ToString();
    }

    /// <summary>One JSON object.</summary>
    public static string ToJson(Comparison comparison) => JsonSerializer.Serialize(comparison, ComparisonJson.Default.Comparison) + "\n";

    private static string Caption(Comparison comparison) => string.Create(
        CultureInfo.InvariantCulture,
        $"{comparison.DataSet}, {comparison.Pairs:N0} pairs: Spearman and Pearson of cosine similarities; max of 4 is the largest Spearman of cosine, dot, Euclidean and Manhattan. {comparison.Device}");

    private static IEnumerable<string> Cells(Comparison comparison, ModelScores model, Func<string, string> best, Func<string, string> other)
    {
        foreach ((_, Func<ModelScores, double?> figure) in Comparison.Scores)
        {
            string text = figure(model)?.ToString("0.0000", CultureInfo.InvariantCulture) ?? None;
            yield return comparison.IsBest(model, figure) ? best(text) : other(text);
        }

        yield return string.Create(CultureInfo.InvariantCulture, $"{model.Parameters / 1e6:0.0} M");
        yield return model.Dimension.ToString(CultureInfo.InvariantCulture);
        yield return model.SentencesPerSecond.ToString("N0", CultureInfo.InvariantCulture);
    }
}
