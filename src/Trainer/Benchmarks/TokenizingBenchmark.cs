using System.Diagnostics;
using System.Runtime.CompilerServices;
using MnrEngine.Data;
using MnrEngine.Models;
using MnrEngine.Training;

namespace MnrEngine.Trainer.Benchmarks;

/// <summary>How reading and tokenising a training file went, on all processors.</summary>
/// <param name="Rows">Rows of the file.</param>
/// <param name="Sentences">Different sentences in them: each is tokenised once.</param>
/// <param name="Tokens">The tokens of these sentences.</param>
/// <param name="ReadSeconds">How long it took to read the file.</param>
/// <param name="Seconds">How long it took to tokenise.</param>
/// <param name="BytesPerRow">Managed memory that the rows take when they are tokenised, beyond the tokens' own four bytes each.</param>
internal sealed record TokenizingFigures(int Rows, int Sentences, long Tokens, double ReadSeconds, double Seconds, double BytesPerRow);

/// <summary>Times what comes before a step: reading and tokenising.</summary>
internal static class TokenizingBenchmark
{
    /// <summary>Measures.</summary>
    /// <param name="path">The file.</param>
    /// <param name="encoder">Gives the tokenizer and the maximum length.</param>
    /// <exception cref="InputException">The file is wrong.</exception>
    public static TokenizingFigures Run(string path, SentenceEncoder encoder)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using TrainingData data = Tokenize(path, encoder, out double readSeconds, out double seconds);
        long bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        return new TokenizingFigures(data.Rows, data.Sentences, data.Tokens, readSeconds, seconds, (bytes - (sizeof(int) * data.Tokens)) / (double)data.Rows);
    }

    /// <summary>Apart, so that nothing holds on to the texts when memory is counted.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TrainingData Tokenize(string path, SentenceEncoder encoder, out double readSeconds, out double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        TextDataset dataset = TextDataset.Load(new DatasetSource(path));
        readSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        TrainingData data = new(dataset, encoder);
        data.Tokenize();
        seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return data;
    }
}
