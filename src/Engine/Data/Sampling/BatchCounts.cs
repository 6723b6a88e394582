namespace MnrEngine.Data.Sampling;

/// <summary>What every sampler asks of its rows and batch size.</summary>
internal static class BatchCounts
{
    /// <summary>Checks that there is a batch to be made.</summary>
    /// <exception cref="InputException">The batch size is not positive, or larger than the data.</exception>
    public static void Check(int rows, int batchSize)
    {
        if (batchSize <= 0)
        {
            throw new InputException($"the batch size is {batchSize}, but a batch has at least 1 row");
        }

        if (batchSize > rows)
        {
            throw new InputException($"the batch size is {batchSize}, but the data set has only {rows} {(rows == 1 ? "row" : "rows")}");
        }
    }

    /// <summary>The batches in one pass over the rows: whole ones only, or with the short one at the end.</summary>
    public static int Of(int rows, int batchSize, bool dropLast) => dropLast ? rows / batchSize : (int)(((long)rows + batchSize - 1) / batchSize);

    /// <summary>Cuts an order of rows into consecutive batches.</summary>
    public static IEnumerable<int[]> Chunks(int[] order, int batchSize, bool dropLast)
    {
        int count = Of(order.Length, batchSize, dropLast);
        for (int i = 0; i < count; i++)
        {
            int start = i * batchSize;
            yield return order[start..Math.Min(start + batchSize, order.Length)];
        }
    }
}
