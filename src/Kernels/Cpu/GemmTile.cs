namespace MnrEngine.Kernels.Cpu;

/// <summary>A tile of the result for one block of k, and what to fetch while it is computed.</summary>
internal unsafe struct GemmTile
{
    /// <summary>Its first element.</summary>
    public float* Data;

    /// <summary>Elements between two of its rows.</summary>
    public nint Stride;

    /// <summary>Number of k.</summary>
    public int Depth;

    /// <summary>Whether to add to what is there.</summary>
    public bool Accumulate;

    /// <summary>What each row of the sum begins with; null for zeros.</summary>
    public float* Bias;

    /// <summary>Rows of the right operand's next panel, to bring into the second-level cache meanwhile.</summary>
    public float* Next;

    /// <summary>Elements from one of those rows to the next.</summary>
    public nint NextStride;

    /// <summary>How many of them for each row of the tile.</summary>
    public int NextRows;
}
