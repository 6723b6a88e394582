using MnrEngine.Text;

namespace MnrEngine.Training;

/// <summary>The rows to train on: tokenised once, in columns of equal length.</summary>
public sealed class TrainingData
{
    /// <summary>Joins tokenised columns: anchors, positives, then any number of hard negatives.</summary>
    /// <exception cref="ArgumentException">There are fewer than two columns, or they differ in length.</exception>
    public TrainingData(IReadOnlyList<TokenizedTexts> columns)
    {
        if (columns.Count < 2 || columns.Any(c => c.Count != columns[0].Count))
        {
            throw new ArgumentException(
                $"a ranking loss needs two or more columns of equal length, not {string.Join(", ", columns.Select(static c => c.Count))} rows");
        }

        Columns = columns;
    }

    /// <summary>The columns.</summary>
    public IReadOnlyList<TokenizedTexts> Columns { get; }

    /// <summary>The number of rows.</summary>
    public int Rows => Columns[0].Count;

    /// <summary>The number of tokens of the longest sentence.</summary>
    public int LongestSentence => Columns.Max(static c => c.LongestLength);

    /// <summary>The number of sentences that were cut at the maximum length.</summary>
    public int TruncatedSentences => Columns.Sum(static c => c.TruncatedCount);

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
