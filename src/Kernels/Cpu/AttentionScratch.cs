namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The working memory of one thread for one head of one sentence. Rows are filled up to whole registers; matrices with a row for each column
/// of the head, or as wide as the sentence, have an odd number of registers a row, so that their rows do not fall on the same cache sets.
/// </summary>
internal readonly unsafe struct AttentionScratch<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    /// <summary>Queries dealt with at a time: their scores are all that is ever held of the square of a sentence's length.</summary>
    public const int TileQueries = 32;

    private readonly float* _memory;

    /// <summary>Lays out one thread's memory.</summary>
    /// <param name="memory">Its beginning.</param>
    /// <param name="length">Tokens of the sentence.</param>
    /// <param name="headDim">Columns of a head.</param>
    public AttentionScratch(float* memory, int length, int headDim)
    {
        _memory = memory;
        Length = length;
        HeadStride = Whole(headDim);
        WholeLength = Whole(length);
        KeyStride = WholeLength / TVector.Count % 2 == 0 ? WholeLength + TVector.Count : WholeLength;
        KeysTransposedSize = (nint)headDim * KeyStride;
    }

    /// <summary>Distance of the rows of <see cref="Queries"/>, <see cref="Keys"/>, <see cref="Values"/> and <see cref="ContextGradient"/>.</summary>
    public int HeadStride { get; }

    /// <summary>Distance of the rows of all that is as wide as the sentence.</summary>
    public int KeyStride { get; }

    /// <summary>Q, (length, d).</summary>
    public float* Queries => _memory;

    /// <summary>K in the backward pass, (length, d).</summary>
    public float* Keys => Queries + RowsSize;

    /// <summary>V in the forward pass, (length, d).</summary>
    public float* Values => Keys;

    /// <summary>The gradient of the context, (length, d).</summary>
    public float* ContextGradient => Keys + RowsSize;

    /// <summary>K^T / sqrt(d), (d, length).</summary>
    public float* KeysTransposed => ContextGradient + RowsSize;

    /// <summary>V^T, (d, length).</summary>
    public float* ValuesTransposed => KeysTransposed + KeysTransposedSize;

    /// <summary>A tile of scores, then of probabilities, (<see cref="TileQueries"/>, length).</summary>
    public float* Probabilities => ValuesTransposed + KeysTransposedSize;

    /// <summary>A tile of gradients of probabilities, then of scores, (<see cref="TileQueries"/>, length).</summary>
    public float* ScoreGradient => Probabilities + TileSize;

    /// <summary>What dropout multiplies a tile of probabilities by, (<see cref="TileQueries"/>, length) without gaps, as the elements are numbered.</summary>
    public float* Factors => ScoreGradient + TileSize;

    /// <summary>The largest score of each query of a tile.</summary>
    public float* Maxima => Factors + TileSize;

    /// <summary>The sum of the exponentials of each query of a tile.</summary>
    public float* Sums => Maxima + TileQueries;

    /// <summary>The columns of the registers that hold a row as wide as the sentence.</summary>
    public int WholeLength { get; }

    private int Length { get; }

    private nint RowsSize => (nint)Length * HeadStride;

    private nint KeysTransposedSize { get; }

    private nint TileSize => (nint)TileQueries * KeyStride;

    /// <summary>The floats that a sentence of this length takes.</summary>
    public static long Size(int length, int headDim)
    {
        AttentionScratch<TVector> layout = new(null, length, headDim);
        return layout.Sums + TileQueries - layout.Queries;
    }

    private static int Whole(int columns) => (columns + TVector.Count - 1) / TVector.Count * TVector.Count;
}
