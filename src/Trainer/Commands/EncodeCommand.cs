using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using MnrEngine.Data;
using MnrEngine.Trainer.Runs;

namespace MnrEngine.Trainer.Commands;

/// <summary><c>encode</c>: texts in, embeddings out.</summary>
internal static class EncodeCommand
{
    public static Command Create()
    {
        Argument<string> model = new("model") { Description = "The model's folder, or its id on the Hugging Face hub." };
        Argument<string> input = new("input") { Description = "A text file with a text a line, or with --column a .tsv, .csv, .jsonl (also .gz) or .parquet file; - for standard input." };
        Option<string> output = new("--output", "-o") { Description = "The result: .npy, .safetensors (tensor \"embeddings\") or .jsonl.", Required = true };
        Option<string?> column = new("--column") { Description = "The column with the texts, by name or by number from 0." };
        Option<bool> normalize = new("--normalize") { Description = "Divide each embedding by its length." };
        Command command = new("encode", "Embeds texts.") { model, input, output, column, normalize };
        EncoderOptions.OnCommandLine options = new(command);
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(model), parsed.GetRequiredValue(input), parsed.GetRequiredValue(output), parsed.GetValue(column), parsed.GetValue(normalize),
            options.Read(parsed), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static void Run(string model, string input, string result, string? column, bool normalize, EncoderOptions options, TextWriter output)
    {
        EmbeddingFile file = EmbeddingFile.For(result);
        IReadOnlyList<string> texts = column is null ? [.. TextLines.Read(input)] : TextColumn.Read(new DatasetSource(input) { Columns = [column] });
        if (texts.Count == 0)
        {
            throw new InputException($"{input} has no line, but at least one text is needed");
        }

        using LoadedEncoder encoder = LoadedEncoder.Open(model, options);
        Stopwatch clock = Stopwatch.StartNew();
        int truncated = 0;
        file.Write(texts, encoder.Dimension, Embeddings());
        string cut = truncated == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {truncated:N0} of them cut at {encoder.Encoder.Description.MaxSequenceLength} tokens");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{texts.Count:N0} texts{cut}, {encoder.Dimension} numbers each, in {clock.Elapsed.TotalSeconds:0.0} s: {result}"));

        IEnumerable<float[]> Embeddings()
        {
            foreach ((float[] embeddings, int cutHere) in encoder.EmbedInChunks(texts))
            {
                truncated += cutHere;
                if (normalize)
                {
                    Commands.Embeddings.Normalize(embeddings, encoder.Dimension);
                }

                yield return embeddings;
            }
        }
    }
}
