namespace MnrEngine.Kernels.Cuda.Memory;

/// <summary>
/// Where the parts of a batch lie in its slot, in bytes. It depends on nothing but what a recorded step's key has, so that a step replayed with another batch of the same key
/// finds everything at the same addresses.
/// </summary>
/// <param name="tokenRows">The batch's tokens, rounded up.</param>
/// <param name="sentences">Its sentences.</param>
internal readonly struct BatchLayout(int tokenRows, int sentences)
{
    private readonly long _tokens = Workspace.Padded((long)tokenRows * sizeof(int));
    private readonly long _offsets = Workspace.Padded((sentences + 1L) * sizeof(int));

    /// <summary>int (tokenRows).</summary>
    public long TokenIds => 0;

    /// <summary>int (tokenRows).</summary>
    public long Positions => _tokens;

    /// <summary>int (sentences + 1).</summary>
    public long Offsets => 2 * _tokens;

    /// <summary>The last of the offsets: the number of tokens.</summary>
    public long TokenCount => Offsets + ((long)sentences * sizeof(int));

    /// <summary>long (sentences): the sum of squared lengths before each.</summary>
    public long SquaredOffsets => Offsets + _offsets;

    /// <summary>The tokens sorted by their ids.</summary>
    public RowRuns Words => new(SquaredOffsets + (2 * _offsets), _tokens);

    /// <summary>The tokens sorted by their positions.</summary>
    public RowRuns PositionRuns => new(Words.End, _tokens);

    /// <summary>The size of it all.</summary>
    public long Bytes => PositionRuns.End;
}

/// <summary>Where the lists lie that say which tokens use which row of a table.</summary>
internal readonly struct RowRuns(long start, long tokenBytes)
{
    /// <summary>int (tokenRows): the tokens, by row and then by their place in the batch.</summary>
    public long Order => start;

    /// <summary>int (runs + 1): where each row's tokens begin in the order.</summary>
    public long Starts => start + tokenBytes;

    /// <summary>int (runs): the row of each run.</summary>
    public long Rows => Starts + tokenBytes + DeviceArena.Alignment;

    /// <summary>int: the number of runs.</summary>
    public long Count => Rows + tokenBytes;

    /// <summary>Behind them.</summary>
    public long End => Count + DeviceArena.Alignment;
}
