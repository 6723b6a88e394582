namespace MnrEngine.Serialization;

/// <summary>Counting and writing shapes.</summary>
internal static class WeightShape
{
    /// <summary>The product of the dimensions.</summary>
    /// <exception cref="OverflowException">The product does not fit.</exception>
    public static long Count(IEnumerable<int> shape)
    {
        long count = 1;
        foreach (int dimension in shape)
        {
            count = checked(count * dimension);
        }

        return count;
    }

    /// <summary>As Python writes it: <c>[1500, 64]</c>.</summary>
    public static string Text(IEnumerable<int> shape) => $"[{string.Join(", ", shape)}]";
}
