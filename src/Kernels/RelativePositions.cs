namespace MnrEngine.Kernels;

/// <summary>
/// MPNet's buckets of relative positions (T5's, with 32 buckets and a largest distance of 128). With d = |key - query|, the bucket is d
/// below 8, else 8 + the number of thresholds that d has reached; keys behind the query have buckets of their own, 16 above.
/// </summary>
/// <remarks>
/// transformers computes 8 + floor(8 log(d / 8) / log(16)), at most 15, in single precision; the thresholds are where that steps, and
/// give the same up to d = 600, beyond any MPNet's positions.
/// </remarks>
public static class RelativePositions
{
    /// <summary>The number of buckets.</summary>
    public const int Buckets = 32;

    private const int OneSide = Buckets / 2;
    private const int Exact = OneSide / 2;

    private static ReadOnlySpan<int> Thresholds => [12, 16, 23, 32, 46, 64, 91];

    /// <summary>The bucket of a key for a query.</summary>
    /// <param name="distance">The key's position less the query's.</param>
    public static int Bucket(int distance)
    {
        int magnitude = Math.Abs(distance);
        int side = distance > 0 ? OneSide : 0;
        if (magnitude < Exact)
        {
            return side + magnitude;
        }

        int reached = 0;
        foreach (int threshold in Thresholds)
        {
            reached += magnitude >= threshold ? 1 : 0;
        }

        return side + Exact + reached;
    }

    /// <summary>The smallest and the largest distance, key less query, of a bucket; bucket 0 is distance 0 alone, and no distance has bucket 16.</summary>
    internal static (int Least, int Most) Distances(int bucket)
    {
        int place = bucket % OneSide;
        int least = place <= Exact ? place : Thresholds[place - Exact - 1];
        int most = place < Exact ? place : place == OneSide - 1 ? int.MaxValue : Thresholds[place - Exact] - 1;
        return bucket < OneSide ? (-most, -least) : bucket == OneSide ? (1, 0) : (least, most);
    }
}
