using System.Globalization;
using System.Text;
using MnrEngine.Serialization;

namespace MnrEngine.Evaluation;

/// <summary>
/// The CSV file to which sentence-transformers' EmbeddingSimilarityEvaluator appends a line at every evaluation, byte for byte: UTF-8,
/// lines ended by CR LF as Python's csv module does, numbers as Python writes them.
/// </summary>
public static class SimilarityCsv
{
    // In this order, with no other choice, up to version 2.7.
    private static readonly SimilarityFunction[] LegacyFunctions =
        [SimilarityFunction.Cosine, SimilarityFunction.Euclidean, SimilarityFunction.Manhattan, SimilarityFunction.Dot];

    /// <summary>The file's name: <c>similarity_evaluation_{name}_results.csv</c>, or without the name when it is empty.</summary>
    public static string FileName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length == 0 ? "similarity_evaluation_results.csv" : $"similarity_evaluation_{name}_results.csv";
    }

    /// <summary>Appends a line as versions from 3 on do, first the header if the file is new.</summary>
    /// <param name="path">The file; its folder is made if need be.</param>
    /// <param name="epoch">How many epochs have been trained, fractions included; null outside training, written -1.</param>
    /// <param name="steps">How many steps have been trained; null outside training, written -1.</param>
    /// <param name="scores">The figures.</param>
    /// <param name="functions">The similarity functions to report, in order.</param>
    public static void Append(string path, double? epoch, int? steps, SimilarityScores scores, IReadOnlyList<SimilarityFunction> functions) =>
        Append(path, epoch is null ? "-1" : PythonFloat.Repr(epoch.Value), steps, scores, functions);

    /// <summary>Appends a line as versions up to 2.7 did: all four functions in their order of then, and whole epochs.</summary>
    /// <param name="path">The file; its folder is made if need be.</param>
    /// <param name="epoch">The number of the epoch, from 0; null outside training, written -1.</param>
    /// <param name="steps">The steps trained in this epoch; null outside training or at the end of an epoch, written -1.</param>
    /// <param name="scores">The figures.</param>
    public static void AppendLegacy(string path, int? epoch, int? steps, SimilarityScores scores) =>
        Append(path, (epoch ?? -1).ToString(CultureInfo.InvariantCulture), steps, scores, LegacyFunctions);

    /// <summary>Cuts off what was evaluated after a step, when a run goes on from there, and a line that was only half written.</summary>
    /// <param name="path">The file; it need not exist.</param>
    /// <param name="steps">The last step whose line stays.</param>
    /// <exception cref="InputException">The file can't be written.</exception>
    public static void CutAfter(string path, int steps)
    {
        if (!File.Exists(path))
        {
            return;
        }

        string text = File.ReadAllText(path);
        int kept = 0;
        for (int end = text.IndexOf("\r\n", StringComparison.Ordinal); end >= 0; end = text.IndexOf("\r\n", kept, StringComparison.Ordinal))
        {
            string[] fields = text[kept..end].Split(',', 3);
            if (kept > 0 && !(fields.Length == 3 && int.TryParse(fields[1], CultureInfo.InvariantCulture, out int step) && step <= steps))
            {
                break;
            }

            kept = end + 2;
        }

        if (kept == 0)
        {
            File.Delete(path);
        }
        else if (kept < text.Length)
        {
            AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text[..kept])));
        }
    }

    private static void Append(string path, string epoch, int? steps, SimilarityScores scores, IReadOnlyList<SimilarityFunction> functions)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
        }

        StringBuilder text = new();
        if (!File.Exists(path))
        {
            text.Append("epoch,steps");
            foreach (SimilarityFunction function in functions)
            {
                string name = SimilarityScores.NameOf(function);
                text.Append(CultureInfo.InvariantCulture, $",{name}_pearson,{name}_spearman");
            }

            text.Append("\r\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"{epoch},{steps ?? -1}");
        foreach (SimilarityFunction function in functions)
        {
            text.Append(CultureInfo.InvariantCulture, $",{PythonFloat.Repr(scores[function].Pearson)},{PythonFloat.Repr(scores[function].Spearman)}");
        }

        text.Append("\r\n");
        File.AppendAllText(path, text.ToString());
    }
}
