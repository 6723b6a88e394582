using System.CommandLine;

namespace MnrEngine.Trainer.Runs;

/// <summary>How a model is run for inference: the options that several commands share.</summary>
/// <param name="BatchSize">The most sentences computed at once.</param>
/// <param name="MaxSequenceLength">The longest sentence in tokens, or null for the model's own.</param>
/// <param name="Threads">Threads, or 0 for one a core.</param>
internal sealed record EncoderOptions(int BatchSize, int? MaxSequenceLength, int Threads)
{
    private const int DefaultBatchSize = 32;

    /// <summary>The options on a command line.</summary>
    public sealed class OnCommandLine
    {
        private readonly Option<int> _batchSize = new("--batch-size") { Description = "The most sentences computed at once.", DefaultValueFactory = static _ => DefaultBatchSize };
        private readonly Option<int?> _maxLength = new("--max-seq-length") { Description = "The longest sentence in tokens, instead of the model's own; the rest is cut off." };
        private readonly Option<int> _threads = new("--threads") { Description = "Threads to compute with; 0 for one a core." };

        /// <summary>Adds the options to a command.</summary>
        public OnCommandLine(Command command)
        {
            command.Add(_batchSize);
            command.Add(_maxLength);
            command.Add(_threads);
        }

        /// <summary>What was given.</summary>
        /// <exception cref="InputException">A number is out of range.</exception>
        public EncoderOptions Read(ParseResult parsed) => new(
            InRange("--batch-size", parsed.GetValue(_batchSize), 1, 1 << 20)!.Value,
            InRange("--max-seq-length", parsed.GetValue(_maxLength), 2, 1 << 20),
            InRange("--threads", parsed.GetValue(_threads), 0, 4096)!.Value);
    }

    /// <summary>Checks a number of the command line.</summary>
    /// <exception cref="InputException">It is out of range.</exception>
    public static int? InRange(string option, int? value, int least, int most) =>
        value < least || value > most ? throw new InputException($"{option} is {value}, but has to be from {least} to {most}") : value;
}
