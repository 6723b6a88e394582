namespace MnrEngine.Kernels;

/// <summary>
/// How the similarities of a ranking loss lie in one matrix: S = R C^T, where R is the first rows of the embeddings [queries; positives; negatives]
/// and C the last ones. In full,
/// <code>
///              queries            documents
/// queries      query to query     query to document
/// positives    document to query  document to document
/// </code>
/// and what no chosen direction needs is left out: the lower half, the left part. So the loss is a softmax over row i, or over rows i and b + i
/// together, and its gradient two products: dC = dS^T R and dR = dS C.
/// </summary>
internal readonly struct RankingLayout
{
    /// <summary>Lays out the similarities.</summary>
    /// <param name="embeddings">Rows of the embeddings.</param>
    /// <param name="queries">b.</param>
    /// <param name="directions">The directions chosen.</param>
    /// <param name="lanes">Rows of S are filled up to a multiple of this.</param>
    public RankingLayout(int embeddings, int queries, RankingDirections directions, int lanes)
    {
        const RankingDirections Lower = RankingDirections.DocumentToQuery | RankingDirections.DocumentToDocument;
        const RankingDirections Left = RankingDirections.QueryToQuery | RankingDirections.DocumentToQuery;
        Queries = queries;
        Directions = directions;
        HasPositives = (directions & Lower) != 0;
        Rows = HasPositives ? 2 * queries : queries;
        FirstColumn = (directions & Left) != 0 ? 0 : queries;
        Columns = embeddings - FirstColumn;
        DocumentColumns = (embeddings - queries) / queries;
        Stride = (Columns + lanes - 1) / lanes * lanes;
    }

    /// <summary>b.</summary>
    public int Queries { get; }

    /// <summary>The directions chosen.</summary>
    public RankingDirections Directions { get; }

    /// <summary>Whether S has the lower half.</summary>
    public bool HasPositives { get; }

    /// <summary>Rows of S: b or 2 b.</summary>
    public int Rows { get; }

    /// <summary>The embedding that the first column of S belongs to: 0 or b.</summary>
    public int FirstColumn { get; }

    /// <summary>Columns of S.</summary>
    public int Columns { get; }

    /// <summary>Columns of documents in the batch: the positives and each column of hard negatives.</summary>
    public int DocumentColumns { get; }

    /// <summary>Elements from one row of S to the next.</summary>
    public int Stride { get; }

    /// <summary>The column of S of the first document.</summary>
    public int FirstDocument => Queries - FirstColumn;

    /// <summary>Whether a direction is chosen.</summary>
    public bool Has(RankingDirections direction) => (Directions & direction) != 0;
}
