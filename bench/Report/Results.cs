using System.Globalization;
using System.Text.Json.Nodes;

namespace MnrEngine.Bench.Report;

/// <summary>Training steps that <c>MnrEngine bench --json</c> timed.</summary>
/// <param name="BatchSize">Rows of a batch.</param>
/// <param name="Seconds">The median step.</param>
/// <param name="TokensPerSecond">Tokens a step over the median step.</param>
/// <param name="ShareOfPeak">Of the multiply-add peak measured between the steps, in the products' operations over real tokens.</param>
/// <param name="ShareOfSustained">Of what the multiply-add loop keeps up for some fifty milliseconds; null where that was not measured.</param>
/// <param name="Padding">Tokens that padding to the longest of each column would make, over real ones.</param>
internal sealed record Steps(int BatchSize, double Seconds, double TokensPerSecond, double ShareOfPeak, double? ShareOfSustained, double Padding);

/// <summary>What bench/run.sh measured, as far as it is there.</summary>
internal sealed class Results(string folder)
{
    /// <summary>A file's text, or null.</summary>
    public string? Text(string name) => Path.Combine(folder, name) is string path && File.Exists(path) ? File.ReadAllText(path) : null;

    /// <summary>The last line of a file that is a JSON object, or null.</summary>
    public JsonNode? Json(string name) =>
        Text(name)?.Split('\n').LastOrDefault(static line => line.StartsWith('{')) is string line ? JsonNode.Parse(line) : null;

    /// <summary>A file's training steps, or null.</summary>
    public Steps? StepsOf(string name)
    {
        if (Json(name)?["training"] is not JsonNode training)
        {
            return null;
        }

        double seconds = Number(training, "median_seconds");
        double tokens = Number(training, "tokens_per_step");
        double rate = Number(training, "flops_per_step") / seconds;
        return new Steps(
            (int)Number(training, "batch_size"), seconds, tokens / seconds, rate / Number(training, "peak_flops"), rate / (double?)training["sustained_flops"],
            Number(training, "padded_tokens_per_step") / tokens);
    }

    /// <summary>The training steps of files NAME-turn-1.json, NAME-turn-2.json and so on, or of NAME.json alone, by speed, the slowest first.</summary>
    public Steps[] TurnsOf(string name)
    {
        Steps[] turns = [.. Enumerable.Range(1, 100).Select(turn => StepsOf($"{name}-turn-{turn}.json")).TakeWhile(static steps => steps is not null).OfType<Steps>()];
        return turns.Length == 0 && StepsOf($"{name}.json") is Steps only ? [only] : [.. turns.OrderBy(static steps => steps.TokensPerSecond)];
    }

    /// <summary>The middle of steps in order.</summary>
    public static Steps Median(Steps[] sorted) => sorted[sorted.Length / 2];

    /// <summary>The share of the peak that a file's encoding reached, or null.</summary>
    /// <param name="name">The file.</param>
    /// <param name="peak">Which peak, a key of the result.</param>
    public double? EncodingShare(string name, string peak) => Json(name)?["encoding"] is JsonNode encoding
        ? Number(encoding, "flops") / Number(encoding, "seconds") / (double?)encoding[peak]
        : null;

    /// <summary>Sentences a second of a file's encoding, or null.</summary>
    public double? SentencesPerSecond(string name) => Json(name)?["encoding"] is JsonNode encoding ? Number(encoding, "sentences") / Number(encoding, "seconds") : null;

    /// <summary>The milliseconds of the runs of start.txt that a word names, in order of size.</summary>
    public double[] Starts(string what) =>
        [.. (Text("start.txt") ?? "").Split('\n').Select(static line => line.Split(' ')).Where(words => words[0] == what).Select(static words => double.Parse(words[1], CultureInfo.InvariantCulture) / 1000).Order()];

    /// <summary>A number of an object.</summary>
    public static double Number(JsonNode node, string key) => (double)node[key]!;

    /// <summary>The middle of numbers in order.</summary>
    public static double Median(IReadOnlyList<double> sorted) => sorted[sorted.Count / 2];
}
