namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// What is done with a piece of a matrix product as soon as it is complete, while it is in a core's own caches: an activation,
/// say. A struct, so that it is compiled into the loop.
/// </summary>
internal unsafe interface IGemmEpilogue
{
    /// <summary>Called once for every piece of the result, from any thread; the pieces do not overlap. Each element has to be treated alike, however the pieces are cut.</summary>
    /// <param name="piece">The piece's first element; may be changed in place.</param>
    /// <param name="stride">Elements between two rows.</param>
    /// <param name="row">The piece's first row in the whole result.</param>
    /// <param name="column">The piece's first column in the whole result.</param>
    /// <param name="rows">Rows of the piece.</param>
    /// <param name="columns">Columns of the piece, at most two registers' lanes.</param>
    void Apply(float* piece, nint stride, int row, int column, int rows, int columns);
}
