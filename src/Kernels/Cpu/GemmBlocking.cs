namespace MnrEngine.Kernels.Cpu;

/// <summary>How a product is cut along k. It depends on nothing but the depth, so that every element is summed alike, whatever the threads.</summary>
internal readonly struct GemmBlocking
{
    /// <summary>The deepest block.</summary>
    public const int MaxDepth = 384;

    private readonly int _depth;
    private readonly int _blockDepth;

    public GemmBlocking(int depth)
    {
        _depth = depth;
        Blocks = (depth + MaxDepth - 1) / MaxDepth;
        int even = Blocks == 0 ? 0 : (depth + Blocks - 1) / Blocks;

        // A multiple of four suits the transposition of panels.
        _blockDepth = (even + 3) & ~3;
    }

    /// <summary>Number of blocks.</summary>
    public int Blocks { get; }

    /// <summary>The first k of a block.</summary>
    public int Start(int block) => block * _blockDepth;

    /// <summary>The number of k of a block.</summary>
    public int Depth(int block) => Math.Min(_blockDepth, _depth - Start(block));
}
