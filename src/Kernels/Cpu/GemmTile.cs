namespace MnrEngine.Kernels.Cpu;

/// <summary>A tile of the result for one block of k, and what to fetch while it is computed.</summary>
/// <param name="data">Its first element.</param>
/// <param name="stride">Elements between two of its rows.</param>
/// <param name="depth">Number of k.</param>
/// <param name="accumulate">Whether to add to what is there.</param>
/// <param name="bias">What each row of the sum begins with; null for zeros.</param>
/// <param name="next">The panel of the right operand to bring into the second-level cache meanwhile.</param>
/// <param name="nextStart">Its first k to bring.</param>
/// <param name="nextRows">How many k of it for each row of the tile.</param>
internal readonly unsafe struct GemmTile(float* data, nint stride, int depth, bool accumulate, float* bias, in OperandPanel next, int nextStart, int nextRows)
{
    private readonly OperandPanel _next = next;

    public float* Data { get; } = data;

    public nint Stride { get; } = stride;

    public int Depth { get; } = depth;

    public bool Accumulate { get; } = accumulate;

    public float* Bias { get; } = bias;

    public int NextRows { get; } = nextRows;

    /// <summary>Elements from one k to the next of what is to be brought.</summary>
    /// <param name="width">Width of a panel.</param>
    public nint NextStride(int width) => _next.IsPacked ? width : _next.Stride;

    /// <summary>The first element to bring.</summary>
    /// <param name="width">Width of a panel.</param>
    public float* NextData(int width) => _next.Data + nextStart * NextStride(width);

    /// <summary>As this tile, but elsewhere, without adding to what is there, and nothing fetched.</summary>
    public GemmTile Elsewhere(float* data, nint stride, float* bias) => new(data, stride, Depth, accumulate: false, bias, _next, 0, 0);
}
