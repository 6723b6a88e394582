using System.CommandLine;
using MnrEngine.Trainer.Benchmarks;
using MnrEngine.Trainer.Runs;

namespace MnrEngine.Trainer.Commands;

/// <summary><c>bench</c>: times training steps and encoding, and says what share of the processor's peak they reach.</summary>
internal static class BenchCommand
{
    private const int DefaultSteps = 10;

    public static Command Create()
    {
        Argument<string> model = new("model") { Description = "The model's folder, or its id on the Hugging Face hub." };
        Argument<string> data = new("data") { Description = "A file of pairs: .tsv, .csv or .jsonl, also with .gz." };
        Option<int> steps = new("--steps") { Description = "Training steps that are timed, after a few that are not; 0 for no training.", DefaultValueFactory = static _ => DefaultSteps };
        Option<int> encode = new("--encode") { Description = "Sentences to encode; 0 for none.", DefaultValueFactory = static _ => 1000 };
        Option<bool> tokenize = new("--tokenize") { Description = "Time reading and tokenising the whole file too, on all processors, and count the memory that its rows take." };
        Option<bool> breakdown = new("--breakdown") { Description = "Run once more and say what every sort of operation took, moved and computed; see docs/profiling.md." };
        Option<bool> json = new("--json") { Description = "Write one JSON object instead of lines." };
        Command command = new("bench", "Times training and encoding.") { model, data, steps, encode, tokenize, breakdown, json };
        EncoderOptions.OnCommandLine options = new(command);
        command.SetAction(parsed =>
        {
            BenchmarkOptions benchmark = new(
                EncoderOptions.InRange("--steps", parsed.GetValue(steps), 0, 1_000_000)!.Value,
                EncoderOptions.InRange("--encode", parsed.GetValue(encode), 0, 10_000_000)!.Value,
                parsed.GetValue(tokenize),
                parsed.GetValue(breakdown),
                options.Read(parsed));
            BenchmarkResult result = Benchmark.Run(parsed.GetRequiredValue(model), parsed.GetRequiredValue(data), benchmark);
            parsed.InvocationConfiguration.Output.WriteLine(parsed.GetValue(json) ? result.ToJson() : result.ToText());
        });
        return command;
    }
}
