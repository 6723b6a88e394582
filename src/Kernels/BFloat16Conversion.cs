namespace MnrEngine.Kernels;

/// <summary>Singles to bf16 on the host.</summary>
internal static class BFloat16Conversion
{
    /// <summary>Rounds to the nearest, ties to even; NaN stays NaN.</summary>
    public static ushort Narrow(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Rounds each.</summary>
    public static void Narrow(ReadOnlySpan<float> source, Span<ushort> destination)
    {
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = Narrow(source[i]);
        }
    }
}
