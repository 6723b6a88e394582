using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MnrEngine.Trainer.Benchmarks;

/// <summary>What a benchmark measured.</summary>
/// <param name="Device">What it ran on.</param>
/// <param name="PeakFlops">Fused multiply-add peak of the same threads, in floating-point operations a second, the highest measured between what was timed; null on a GPU.</param>
/// <param name="Tokenizing">Reading and tokenising the file, or null when that was not asked for.</param>
/// <param name="Training">Training steps, or null when none were asked for.</param>
/// <param name="Encoding">Encoding, or null when none was asked for.</param>
/// <param name="TrainingBreakdown">Where the time of training steps went, or null when that was not asked for.</param>
/// <param name="EncodingBreakdown">The same for encoding.</param>
/// <param name="PeakMemoryBytes">The most memory that the process held.</param>
internal sealed record BenchmarkResult(
    string Device, double? PeakFlops, TokenizingFigures? Tokenizing, TrainingFigures? Training, EncodingFigures? Encoding, OperationBreakdown? TrainingBreakdown, OperationBreakdown? EncodingBreakdown,
    long PeakMemoryBytes)
{
    /// <summary>One JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, BenchmarkJson.Default.BenchmarkResult);

    /// <summary>A few lines for a person.</summary>
    public string ToText()
    {
        StringBuilder text = new();
        text.Append(PeakFlops is double highest ? string.Create(CultureInfo.InvariantCulture, $"{Device}; multiply-add peak {highest / 1e9:N0} GFLOP/s at best\n") : $"{Device}\n");
        if (Tokenizing is TokenizingFigures tokenizing)
        {
            text.Append(CultureInfo.InvariantCulture, $"reading: {tokenizing.Rows:N0} rows in {tokenizing.ReadSeconds:N2} s, {tokenizing.Rows / tokenizing.ReadSeconds:N0} rows/s\n");
            text.Append(CultureInfo.InvariantCulture, $"tokenising: {tokenizing.Sentences:N0} different sentences in {tokenizing.Seconds:N2} s, {tokenizing.Sentences / tokenizing.Seconds:N0} sentences/s, {tokenizing.Tokens / tokenizing.Seconds:N0} tokens/s\n");
            text.Append(CultureInfo.InvariantCulture, $"  memory beside the tokens themselves: {tokenizing.BytesPerRow:N1} bytes a row\n");
        }

        if (Training is TrainingFigures training)
        {
            text.Append(CultureInfo.InvariantCulture, $"training: {training.MedianSeconds * 1e3:N1} ms a step (median of {training.Steps}; best {training.BestSeconds * 1e3:N1}), batch {training.BatchSize}\n");
            text.Append(CultureInfo.InvariantCulture, $"  {training.BatchSize / training.MedianSeconds:N0} pairs/s, {training.TokensPerStep / training.MedianSeconds:N0} tokens/s\n");
            text.Append(CultureInfo.InvariantCulture, $"  tokens a step: {training.TokensPerStep:N0} real; padding to the longest of the batch would make {training.PaddedTokensPerStep:N0}, to the maximum length {training.FullTokensPerStep:N0}\n");
            text.Append(CultureInfo.InvariantCulture, $"  matrix products: {training.FlopsPerStep / 1e9:N1} GFLOP a step, {training.FlopsPerStep / training.MedianSeconds / 1e9:N0} GFLOP/s{ShareOfPeak(training.FlopsPerStep / training.MedianSeconds, training.PeakFlops, training.SustainedFlops, "steps")}\n");
            text.Append(CultureInfo.InvariantCulture, $"  managed memory allocated: {training.AllocatedBytesPerStep:N0} bytes a step; on the device: {training.DeviceBytes / 1e6:N0} MB\n");
        }

        if (Encoding is EncodingFigures encoding)
        {
            text.Append(CultureInfo.InvariantCulture, $"encoding: {encoding.Sentences:N0} sentences in {encoding.Seconds:N2} s, {encoding.Sentences / encoding.Seconds:N0} sentences/s, {encoding.Tokens / encoding.Seconds:N0} tokens/s\n");
            text.Append(CultureInfo.InvariantCulture, $"  tokens: {encoding.Tokens:N0} real; padding to the maximum length would make {encoding.FullTokens:N0}\n");
            text.Append(CultureInfo.InvariantCulture, $"  matrix products: {encoding.Flops / encoding.Seconds / 1e9:N0} GFLOP/s{ShareOfPeak(encoding.Flops / encoding.Seconds, encoding.PeakFlops, encoding.SustainedFlops, "runs")}\n");
        }

        if (TrainingBreakdown is OperationBreakdown steps)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{steps.ToText("training, a step")}\n");
        }

        if (EncodingBreakdown is OperationBreakdown batches)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{batches.ToText("encoding, a batch")}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"memory: {PeakMemoryBytes / 1e6:N0} MB at most");
        return text.ToString();
    }

    private static string ShareOfPeak(double flops, double? peak, double? sustained, string between) => peak is double burst && sustained is double kept
        ? string.Create(CultureInfo.InvariantCulture, $", {flops / burst:P0} of the peak between the {between} ({burst / 1e9:N0} GFLOP/s, the median), {flops / kept:P0} of what its loop keeps up for longer ({kept / 1e9:N0})")
        : "";
}

/// <summary>How training went: forward, loss, backward, clipping and AdamW.</summary>
/// <param name="Steps">Steps timed.</param>
/// <param name="BatchSize">Rows of a batch.</param>
/// <param name="MedianSeconds">The median time of a step.</param>
/// <param name="BestSeconds">The shortest.</param>
/// <param name="TokensPerStep">Tokens of a step, the mean.</param>
/// <param name="PaddedTokensPerStep">What they would be if every column were padded to its longest sentence.</param>
/// <param name="FullTokensPerStep">What they would be if every sentence were padded to the maximum length.</param>
/// <param name="FlopsPerStep">Floating-point operations in the products with weights, forward and twice that backward.</param>
/// <param name="PeakFlops">The multiply-add peak measured after each step, in floating-point operations a second, the median; null on a GPU.</param>
/// <param name="SustainedFlops">What the same loop kept up for some fifty milliseconds after each step, the median; null on a GPU.</param>
/// <param name="AllocatedBytesPerStep">Managed memory allocated, the mean.</param>
/// <param name="DeviceBytes">Weights, gradients, moments and activations.</param>
internal sealed record TrainingFigures(
    int Steps, int BatchSize, double MedianSeconds, double BestSeconds, double TokensPerStep, double PaddedTokensPerStep, double FullTokensPerStep,
    double FlopsPerStep, double? PeakFlops, double? SustainedFlops, long AllocatedBytesPerStep, long DeviceBytes);

/// <summary>How encoding went; tokenising is not part of it.</summary>
/// <param name="Sentences">Sentences encoded.</param>
/// <param name="Seconds">The shortest time of several.</param>
/// <param name="Tokens">Their tokens.</param>
/// <param name="FullTokens">What they would be if every sentence were padded to the maximum length.</param>
/// <param name="Flops">Floating-point operations in the products with weights.</param>
/// <param name="PeakFlops">The multiply-add peak measured before each run, in floating-point operations a second, the median; null on a GPU.</param>
/// <param name="SustainedFlops">What the same loop kept up for some fifty milliseconds before each run, the median; null on a GPU.</param>
internal sealed record EncodingFigures(int Sentences, double Seconds, long Tokens, long FullTokens, double Flops, double? PeakFlops, double? SustainedFlops);

/// <summary>JSON for the result, generated so that it works without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(BenchmarkResult))]
internal sealed partial class BenchmarkJson : JsonSerializerContext;
