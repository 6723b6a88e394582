using System.CommandLine;
using System.Globalization;
using MnrEngine.Trainer.Runs;

namespace MnrEngine.Trainer.Commands;

/// <summary><c>similarity</c>: the cosine similarity of two sentences, or of two files line by line.</summary>
internal static class SimilarityCommand
{
    public static Command Create()
    {
        Argument<string> model = new("model") { Description = "The model's folder, or its id on the Hugging Face hub." };
        Argument<string> first = new("a") { Description = "A sentence, or a file with a sentence a line." };
        Argument<string> second = new("b") { Description = "Another sentence, or a file with as many lines." };
        Command command = new("similarity", "Compares two sentences, or two files line by line.") { model, first, second };
        EncoderOptions.OnCommandLine options = new(command);
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(model), parsed.GetRequiredValue(first), parsed.GetRequiredValue(second), options.Read(parsed), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static void Run(string model, string first, string second, EncoderOptions options, TextWriter output)
    {
        bool files = File.Exists(first) && File.Exists(second);
        string[] a = files ? [.. TextLines.Read(first)] : [first];
        string[] b = files ? [.. TextLines.Read(second)] : [second];
        if (a.Length != b.Length)
        {
            throw new InputException($"{first} has {a.Length} lines and {second} has {b.Length}, but lines are compared one with one");
        }

        using LoadedEncoder encoder = LoadedEncoder.Open(model, options);
        float[] embeddingsA = encoder.Embed(encoder.Tokenize(a));
        float[] embeddingsB = encoder.Embed(encoder.Tokenize(b));
        for (int row = 0; row < a.Length; row++)
        {
            Range range = (row * encoder.Dimension)..((row + 1) * encoder.Dimension);
            output.WriteLine(Embeddings.Cosine(embeddingsA.AsSpan(range), embeddingsB.AsSpan(range)).ToString("0.000000", CultureInfo.InvariantCulture));
        }
    }
}
