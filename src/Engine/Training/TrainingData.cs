using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MnrEngine.Text;

namespace MnrEngine.Training;

/// <summary>The rows to train on: tokenised once, in columns of equal length.</summary>
public sealed class TrainingData
{
    // Enough to tell apart what anyone has ever trained on, short enough for a sentence.
    private const int HashBytes = 8;

    /// <summary>Joins tokenised columns: anchors, positives, then any number of hard negatives.</summary>
    /// <param name="columns">The columns.</param>
    /// <param name="labels">The label of each row, or null.</param>
    /// <exception cref="ArgumentException">There are fewer than two columns, or they and the labels differ in length.</exception>
    public TrainingData(IReadOnlyList<TokenizedTexts> columns, TrainingLabels? labels = null)
    {
        if (columns.Count < 2 || columns.Any(c => c.Count != columns[0].Count) || (labels is not null && labels.Count != columns[0].Count))
        {
            throw new ArgumentException(
                $"a loss needs two or more columns of equal length, not {string.Join(", ", columns.Select(static c => c.Count))} rows with {labels?.Count ?? 0} labels");
        }

        Columns = columns;
        Labels = labels;
    }

    /// <summary>The label of each row, or null.</summary>
    public TrainingLabels? Labels { get; }

    /// <summary>The columns.</summary>
    public IReadOnlyList<TokenizedTexts> Columns { get; }

    /// <summary>The number of rows.</summary>
    public int Rows => Columns[0].Count;

    /// <summary>The number of tokens of the longest sentence.</summary>
    public int LongestSentence => Columns.Max(static c => c.LongestLength);

    /// <summary>The number of sentences that were cut at the maximum length.</summary>
    public int TruncatedSentences => Columns.Sum(static c => c.TruncatedCount);

    /// <summary>A short hash of every token of every row, by which a resumed run knows its data again.</summary>
    public string Hash()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TokenizedTexts column in Columns)
        {
            hash.AppendData(MemoryMarshal.AsBytes(column.Offsets.AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(column.TokenIds.AsSpan()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, HashBytes));
    }

    /// <summary>The tokens that a batch of so many rows can have at most, whichever rows they are.</summary>
    public int LargestBatchTokens(int rows)
    {
        int[] lengths = new int[Rows];
        foreach (TokenizedTexts column in Columns)
        {
            for (int row = 0; row < lengths.Length; row++)
            {
                lengths[row] += column[row].Length;
            }
        }

        Array.Sort(lengths);
        long tokens = 0;
        for (int i = 1; i <= Math.Min(rows, lengths.Length); i++)
        {
            tokens += lengths[^i];
        }

        return checked((int)tokens);
    }
}
