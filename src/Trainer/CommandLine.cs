using System.CommandLine;
using MnrEngine.Kernels.Cuda;
using MnrEngine.Trainer.Commands;

namespace MnrEngine.Trainer;

/// <summary>The command line: which commands there are, and how what they throw becomes a sentence and an exit code.</summary>
internal static class CommandLine
{
    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Show where in the program an error came from.", Recursive = true };

    /// <summary>Runs the program.</summary>
    /// <param name="arguments">The command line without the program's name.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where errors go.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter error)
    {
        ParseResult parsed = Root().Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            string command = parsed.CommandResult.Command is RootCommand ? "" : $"{parsed.CommandResult.Command.Name} ";
            string sentence = parsed.UnmatchedTokens.Count > 0 ? $"there is no {(command.Length == 0 ? "command" : "option or argument")} {parsed.UnmatchedTokens[0]}" : parsed.Errors[0].Message.TrimEnd('.');
            error.WriteLine($"error: {sentence}; MnrEngine {command}--help shows the usage");
            return ExitCodes.WrongInput;
        }

        try
        {
            // Signals are train's and prepare's own business (see Interruption); the others may be ended at any time.
            return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (InputException exception)
        {
            return Report(exception, exception.Message, ExitCodes.WrongInput);
        }
        catch (MnrEngine.Data.Preparation.PreparationException exception)
        {
            return Report(exception, exception.Message, ExitCodes.Failed);
        }
        catch (OutOfMemoryException exception)
        {
            return Report(exception, $"out of memory: {exception.Message}; a smaller batch_size or max_seq_length needs less", ExitCodes.Failed);
        }
        catch (CudaException exception)
        {
            return Report(exception, exception.Message, ExitCodes.Failed);
        }
        catch (Exception exception)
        {
            string hint = parsed.GetValue(Verbose) ? "" : " (--verbose shows where)";
            return Report(exception, $"{exception.Message.ReplaceLineEndings(" ")}{hint}", ExitCodes.Failed);
        }

        int Report(Exception exception, string sentence, int code)
        {
            output.Flush();
            error.WriteLine($"error: {sentence}");
            if (parsed.GetValue(Verbose))
            {
                error.WriteLine(exception);
            }

            return code;
        }
    }

    /// <summary>Refuses what looks like an option among arguments of which there may be any number: it is a misspelt one, which would otherwise be asked of the hub.</summary>
    /// <exception cref="InputException">There is one, and no file of that name.</exception>
    public static void CheckArguments(ParseResult parsed, IEnumerable<string> arguments)
    {
        if (arguments.FirstOrDefault(static argument => argument.StartsWith('-') && !Path.Exists(argument)) is string option)
        {
            throw new InputException($"there is no option {option}; MnrEngine {parsed.CommandResult.Command.Name} --help shows the usage");
        }
    }

    private static RootCommand Root() => new("Trains sentence encoders with the multiple-negatives-ranking loss, and uses them.")
    {
        Verbose,
        PrepareCommand.Create(),
        TrainCommand.Create(),
        EvaluateCommand.Create(),
        CompareCommand.Create(),
        EncodeCommand.Create(),
        SimilarityCommand.Create(),
        TokenizeCommand.Create(),
        BenchCommand.Create(),
        DoctorCommand.Create(),
        SchemaCommand.Create(),
    };
}
