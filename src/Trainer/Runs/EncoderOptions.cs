using System.CommandLine;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Runs;

/// <summary>How a model is run for inference: the options that several commands share.</summary>
/// <param name="BatchSize">The most sentences computed at once.</param>
/// <param name="MaxSequenceLength">The longest sentence in tokens, or null for the model's own.</param>
/// <param name="Device">What to compute on.</param>
internal sealed record EncoderOptions(int BatchSize, int? MaxSequenceLength, DeviceChoice Device)
{
    private const int DefaultBatchSize = 32;

    /// <summary>Where it is shown that a model is fetched from the hub.</summary>
    public TextWriter Log { get; init; } = TextWriter.Null;

    /// <summary>The options on a command line.</summary>
    public sealed class OnCommandLine
    {
        private readonly Option<int> _batchSize = new("--batch-size") { Description = "The most sentences computed at once.", DefaultValueFactory = static _ => DefaultBatchSize };
        private readonly Option<int?> _maxLength = new("--max-seq-length") { Description = "The longest sentence in tokens, instead of the model's own; the rest is cut off." };
        private readonly Option<int> _threads = new("--threads") { Description = "Threads of the CPU to compute with; 0 for one a core." };
        private readonly Option<string> _device = new("--device") { Description = "What to compute on: auto, cpu, cuda or cuda:N.", DefaultValueFactory = static _ => "auto" };
        private readonly Option<string> _precision = new("--precision") { Description = "What to compute in: fp32, or on a GPU tf32 or bf16.", DefaultValueFactory = static _ => "fp32" };

        /// <summary>Adds the options to a command.</summary>
        public OnCommandLine(Command command)
        {
            command.Add(_batchSize);
            command.Add(_maxLength);
            command.Add(_threads);
            command.Add(_device);
            command.Add(_precision);
        }

        /// <summary>What was given.</summary>
        /// <exception cref="InputException">A number is out of range.</exception>
        public EncoderOptions Read(ParseResult parsed) => new(
            InRange("--batch-size", parsed.GetValue(_batchSize), 1, 1 << 20)!.Value,
            InRange("--max-seq-length", parsed.GetValue(_maxLength), 2, 1 << 20),
            new DeviceChoice(
                DeviceOf(parsed.GetValue(_device)!), PrecisionOf(parsed.GetValue(_precision)!), InRange("--threads", parsed.GetValue(_threads), 0, 4096)!.Value))
        {
            Log = parsed.InvocationConfiguration.Error,
        };

        private static Device DeviceOf(string name) => Config.Device.TryParse(name, out Device device)
            ? device
            : throw new InputException($"--device is {name}, but has to be one of auto, cpu, cuda and cuda:N");

        private static Precision PrecisionOf(string name)
        {
            foreach (Precision precision in Enum.GetValues<Precision>())
            {
                if (Devices.Name(precision) == name)
                {
                    return precision;
                }
            }

            throw new InputException($"--precision is {name}, but has to be one of fp32, tf32 and bf16");
        }
    }

    /// <summary>Checks a number of the command line.</summary>
    /// <exception cref="InputException">It is out of range.</exception>
    public static int? InRange(string option, int? value, int least, int most) =>
        value < least || value > most ? throw new InputException($"{option} is {value}, but has to be from {least} to {most}") : value;
}
