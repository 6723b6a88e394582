using System.Globalization;
using System.Text;

namespace MnrEngine.Evaluation;

/// <summary>A CSV file to which an evaluator appends a line at every evaluation, as sentence-transformers' evaluators do: UTF-8, numbers as Python writes them.</summary>
internal static class EvaluationCsv
{
    /// <summary>How Python's csv module ends a line.</summary>
    public const string CsvModule = "\r\n";

    /// <summary>How a line ends that is written without that module.</summary>
    public const string Plain = "\n";

    /// <summary>The file's name: <c>{stem}_{name}_results.csv</c>, or without the name when it is empty.</summary>
    public static string FileName(string stem, string name) => name.Length == 0 ? $"{stem}_results.csv" : $"{stem}_{name}_results.csv";

    /// <summary>Appends a line, first the header if the file is new.</summary>
    /// <param name="path">The file; its folder is made if need be.</param>
    /// <param name="moment">When in a run this is; null outside training, written -1,-1.</param>
    /// <param name="columns">The names of the figures and the figures.</param>
    /// <param name="lineEnd">How lines end.</param>
    public static void Append(string path, EvaluationMoment? moment, IReadOnlyList<KeyValuePair<string, double>> columns, string lineEnd)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
        }

        StringBuilder text = new();
        if (!File.Exists(path))
        {
            text.Append("epoch,steps,").AppendJoin(',', columns.Select(static column => column.Key)).Append(lineEnd);
        }

        text.Append(moment is null ? "-1" : PythonFloat.Repr(moment.Value.Epoch)).Append(',');
        text.Append(CultureInfo.InvariantCulture, $"{moment?.Steps ?? -1},");
        text.AppendJoin(',', columns.Select(static column => PythonFloat.Repr(column.Value))).Append(lineEnd);
        File.AppendAllText(path, text.ToString());
    }
}
