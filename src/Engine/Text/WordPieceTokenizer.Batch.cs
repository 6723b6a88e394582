namespace MnrEngine.Text;

public sealed partial class WordPieceTokenizer
{
    private const int TextsPerChunk = 256;

    /// <summary>The ids of many texts, as <see cref="Encode(ReadOnlySpan{char}, int?)"/> gives them one by one.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="maxLength">The greatest number of ids a text, at least 2.</param>
    /// <param name="threads">How many threads to use; 0 is one for every processor. The result is the same with any number.</param>
    /// <exception cref="InputException">The texts have more tokens in all than an array can hold.</exception>
    public TokenizedTexts EncodeBatch(IReadOnlyList<string> texts, int maxLength, int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        List<int>[] chunks = new List<int>[(texts.Count + TextsPerChunk - 1) / TextsPerChunk];
        int[] offsets = new int[texts.Count + 1];
        int truncatedCount = 0;
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = threads == 0 ? Environment.ProcessorCount : threads };
        Parallel.For(0, chunks.Length, parallel, chunk =>
        {
            List<int> tokenIds = [];
            int truncated = 0;
            int end = Math.Min(texts.Count, (chunk + 1) * TextsPerChunk);
            for (int text = chunk * TextsPerChunk; text < end; text++)
            {
                int start = tokenIds.Count;
                truncated += Encode(texts[text], tokenIds, maxLength) ? 1 : 0;
                offsets[text + 1] = tokenIds.Count - start;
            }

            chunks[chunk] = tokenIds;
            Interlocked.Add(ref truncatedCount, truncated);
        });

        long tokens = chunks.Sum(chunk => (long)chunk.Count);
        if (tokens > Array.MaxLength)
        {
            throw new InputException($"found {tokens} tokens in {texts.Count} texts, expected at most {Array.MaxLength} in one data set");
        }

        for (int text = 0; text < texts.Count; text++)
        {
            offsets[text + 1] += offsets[text];
        }

        int[] tokenIdsOfAll = new int[tokens];
        int written = 0;
        foreach (List<int> chunk in chunks)
        {
            chunk.CopyTo(tokenIdsOfAll, written);
            written += chunk.Count;
        }

        return new TokenizedTexts(tokenIdsOfAll, offsets, truncatedCount);
    }
}
