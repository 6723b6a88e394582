using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace MnrEngine.Bench.Report;

/// <summary>The figures as Markdown.</summary>
internal static class Tables
{
    private static readonly int[] BatchSizes = [16, 32, 64, 128, 256, 512];

    /// <summary>The models and batch sizes that goals are set for, and the files of their steps.</summary>
    public static readonly (string Model, string File)[] Headlines =
    [
        ("minilm", "minilm-batch-32.json"), ("minilm, AVX2", "minilm-avx2.json"), ("minilm", "minilm-batch-128.json"), ("bert-base", "bert-base-batch-32.json"), ("bert-base", "bert-base-batch-128.json"),
    ];

    /// <summary>The whole report.</summary>
    public static string Write(Results results)
    {
        StringBuilder text = new("# Measured by bench/run.sh\n\n");
        text.Append("```\n").Append(results.Text("machine.txt")?.TrimEnd()).Append("\n```\n\n");
        WriteSteps(text, results);
        WritePeer(text, results);
        WriteBatches(text, results);
        WriteThreads(text, results);
        WriteOperations(text, results);
        WriteStart(text, results);
        WriteProducts(text, results);
        return text.ToString();
    }

    /// <summary>For each batch size measured with all-MiniLM-L6-v2, the steps of all turns by speed, the slowest first.</summary>
    public static IReadOnlyList<Steps[]> Batches(Results results) =>
        [.. BatchSizes.Select(batch => results.TurnsOf($"minilm-batch-{batch}")).Where(static turns => turns.Length != 0)];

    /// <summary>For each number of threads, its steps.</summary>
    public static IReadOnlyList<(int Threads, Steps Steps, double Peak)> Threads(Results results) =>
        [.. Enumerable.Range(1, 256).Select(count => (count, Steps: results.StepsOf($"minilm-threads-{count}.json"), Peak: results.Json($"minilm-threads-{count}.json")))
            .Where(static found => found.Steps is not null)
            .Select(static found => (found.count, found.Steps!, Results.Number(found.Peak!["training"]!, "peak_flops")))];

    private static void WriteSteps(StringBuilder text, Results results)
    {
        text.Append("## Training and encoding\n\n| model | batch | ms a step | tokens/s | of the peak | of the peak kept up | encoding, of the peak | encoding, of the peak kept up |\n|---|---|---|---|---|---|---|---|\n");
        foreach ((string model, string file) in Headlines)
        {
            if (results.StepsOf(file) is Steps steps)
            {
                Line(text, $"| {model} | {steps.BatchSize} | {steps.Seconds * 1e3:N0} | {steps.TokensPerSecond:N0} | {steps.ShareOfPeak:P0} | {steps.ShareOfSustained:P0} | {results.EncodingShare(file, "peak_flops"):P0} | {results.EncodingShare(file, "sustained_flops"):P0} |");
            }
        }
    }

    private static void WritePeer(StringBuilder text, Results results)
    {
        if (results.Json("turn-1-torch.json") is not JsonNode first)
        {
            return;
        }

        Line(text, $"\n## Beside libtorch {first["torch"]}, in turn\n");
        text.Append("| turn | ours, ms a step | peer's | ratio | padded / real tokens | encoding, sentences/s | peer's | ratio |\n|---|---|---|---|---|---|---|---|\n");
        for (int turn = 1; results.StepsOf($"turn-{turn}-ours.json") is Steps ours && results.Json($"turn-{turn}-torch.json") is JsonNode peer; turn++)
        {
            double seconds = Results.Number(peer, "step_seconds_median");
            double sentences = results.SentencesPerSecond($"turn-{turn}-ours.json") ?? 0;
            double peerSentences = Results.Number(peer, "encode_sentences") / Results.Number(peer, "encode_seconds");
            Line(text, $"| {turn} | {ours.Seconds * 1e3:N0} | {seconds * 1e3:N0} | {seconds / ours.Seconds:N2} | {ours.Padding:N2} | {sentences:N0} | {peerSentences:N0} | {sentences / peerSentences:N2} |");
        }

        if (results.Json("torch-padded-to-128.json") is JsonNode padded && results.StepsOf("turn-3-ours.json") is Steps last)
        {
            double seconds = Results.Number(padded, "step_seconds_median");
            Line(text, $"\nPadded to 128 tokens the peer takes {seconds * 1e3:N0} ms a step, {seconds / last.Seconds:N1} times ours.");
        }
    }

    private static void WriteBatches(StringBuilder text, Results results)
    {
        text.Append("\n## Batch sizes, MiniLM, in turn\n\n| batch | tokens/s, the median turn | least | most | of the peak | of the peak kept up |\n|---|---|---|---|---|---|\n");
        foreach (Steps[] turns in Batches(results))
        {
            Steps median = Results.Median(turns);
            Line(text, $"| {median.BatchSize} | {median.TokensPerSecond:N0} | {turns[0].TokensPerSecond:N0} | {turns[^1].TokensPerSecond:N0} | {median.ShareOfPeak:P0} | {median.ShareOfSustained:P0} |");
        }
    }

    private static void WriteThreads(StringBuilder text, Results results)
    {
        IReadOnlyList<(int Threads, Steps Steps, double Peak)> all = Threads(results);
        if (all.Count == 0)
        {
            return;
        }

        text.Append("\n## Threads, MiniLM, batch 32\n\n| threads | tokens/s | beside one thread | multiply-add loop beside one thread | share of that |\n|---|---|---|---|---|\n");
        foreach ((int threads, Steps steps, double peak) in all)
        {
            double scaling = steps.TokensPerSecond / all[0].Steps.TokensPerSecond;
            Line(text, $"| {threads} | {steps.TokensPerSecond:N0} | {scaling:N2} | {peak / all[0].Peak:N2} | {scaling / (peak / all[0].Peak):P0} |");
        }
    }

    /// <summary>The roofline: what each operation computes and moves, and what is left between its time and the time that the ceilings allow.</summary>
    private static void WriteOperations(StringBuilder text, Results results)
    {
        if (results.Json("bandwidth.json") is not JsonNode memory)
        {
            return;
        }

        double bandwidth = Results.Number(memory, "bytes_per_second");
        foreach (string model in (string[])["minilm", "bert-base"])
        {
            if (results.Json($"{model}-batch-32.json") is not JsonNode measured || measured["training_breakdown"]?["rows"] is not JsonArray rows)
            {
                continue;
            }

            double peak = Results.Number(measured["training"]!, "peak_flops");
            double all = rows.Sum(static row => Results.Number(row!, "seconds"));
            Line(text, $"\n## Where a step's time goes, {model}, batch 32\n");
            Line(text, $"Operations whose name begins with Linear are products and what is fused to them. The least time is the longer of operations / {peak / 1e9:N0} GFLOP/s and bytes / {bandwidth / 1e9:N0} GB/s.\n");
            text.Append("| operation | GFLOP | MB | ms | least ms | share of the step | left, of the step |\n|---|---|---|---|---|---|---|\n");
            double products = 0;
            foreach (IGrouping<string, JsonNode?> operation in rows.GroupBy(static row => (string)row!["operation"]!).OrderByDescending(static group => group.Sum(static row => Results.Number(row!, "seconds"))))
            {
                double seconds = operation.Sum(static row => Results.Number(row!, "seconds"));
                double flops = operation.Sum(static row => Results.Number(row!, "flops"));
                double bytes = operation.Sum(static row => Results.Number(row!, "bytes"));
                double least = Math.Max(flops / peak, bytes / bandwidth);
                products += operation.Key.StartsWith("Linear", StringComparison.Ordinal) ? seconds : 0;
                if (seconds / all >= 0.001)
                {
                    Line(text, $"| {operation.Key} | {flops / 1e9:N2} | {bytes / 1e6:N0} | {seconds * 1e3:N1} | {least * 1e3:N1} | {seconds / all:P1} | {(seconds - least) / all:P1} |");
                }
            }

            Line(text, $"\nOperations that are no products: {1 - (products / all):P1} of the step.");
        }
    }

    private static void WriteStart(StringBuilder text, Results results)
    {
        if (results.Starts("help") is { Length: > 0 } help && results.Starts("encode") is { Length: > 0 } encode)
        {
            Line(text, $"\n## Starting (ReadyToRun), {help.Length} times\n");
            Line(text, $"`--help` {Results.Median(help):N0} ms (median; best {help[0]:N0}), `encode` of one sentence {Results.Median(encode):N0} ms (best {encode[0]:N0}).");
        }

        if (results.Json("tokenizing.json")?["tokenizing"] is JsonNode tokenizing)
        {
            Line(text, $"\nTokenising: {Results.Number(tokenizing, "sentences") / Results.Number(tokenizing, "seconds"):N0} sentences/s, {Results.Number(tokenizing, "bytes_per_row"):N1} bytes a row beside the tokens.");
        }
    }

    private static void WriteProducts(StringBuilder text, Results results)
    {
        text.Append("\n## Matrix products beside OpenBLAS\n");
        foreach (string name in (string[])["gemm-1", "gemm-all", "gemm-all-301", "gemm-all-5999", "gemm-all-avx2"])
        {
            if (results.Text($"{name}.txt") is string products)
            {
                text.Append("\n```\n").Append(products.TrimEnd()).Append("\n```\n");
            }
        }
    }

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
