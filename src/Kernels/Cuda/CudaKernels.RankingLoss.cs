using MnrEngine.Kernels.Cuda.Interop;
using MnrEngine.Kernels.Cuda.Memory;

namespace MnrEngine.Kernels.Cuda;

/// <summary>
/// The ranking loss (Native/ranking_loss.cuh): similarities S = R C^T of unit vectors by one product, the softmax that turns S into its own gradient in place, and two products back. In single
/// precision whatever the network is computed in.
/// </summary>
public sealed unsafe partial class CudaKernels
{
    /// <summary>Rows of similarities begin at multiples of 16 bytes.</summary>
    private const int SimilarityLanes = 4;

    /// <inheritdoc/>
    public void PlanRankingLoss(int embeddings, int queries, int width, in RankingLossOptions options)
    {
        (long similarities, long queryLosses, long units, long lengths) = RankingLossBytes(new RankingLayout(embeddings, queries, options.Directions, SimilarityLanes), embeddings, width, options);
        _workspace.Take(similarities, queryLosses, units, lengths);
    }

    /// <inheritdoc/>
    public void RankingLoss(Tensor embeddings, int queries, in RankingLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        _operands.RankingLoss(embeddings, queries, options, loss, embeddingsGradient);
        RankingLayout layout = new(embeddings.Rows, queries, options.Directions, SimilarityLanes);
        bool isCosine = options.Similarity == Similarity.Cosine;
        int width = embeddings.Columns;
        (long similarityBytes, long queryLossBytes, long unitBytes, long lengthBytes) = RankingLossBytes(layout, embeddings.Rows, width, options);
        (nint similarities, nint queryLosses, nint units, nint lengths) = _workspace.Take(similarityBytes, queryLossBytes, unitBytes, lengthBytes);
        if (isCosine)
        {
            _context.Launch(_kernels.NormalizeForward, NormalizeShape(embeddings.Rows), embeddings, lengths, units, embeddings.Rows, width);
        }

        nint vectors = isCosine ? units : embeddings.Address;
        ProductOperand rows = new(vectors, ElementType.Float32, width);
        ProductOperand columns = rows with { Address = vectors + ((nint)layout.FirstColumn * width * sizeof(float)) };
        ProductOperand similarity = new(similarities, ElementType.Float32, layout.Stride);
        _products.Multiply(rows, columns.Transposed, similarity, layout.Rows, layout.Columns, width, CublasComputeType.Float32);
        _context.Launch(
            _kernels.RankingSoftmax, new LaunchShape(queries, 256),
            similarities, queries, layout.Columns, layout.Stride, layout.FirstDocument, layout.HasPositives, (int)options.Directions, options.Partition == RankingPartition.PerDirection,
            (int)options.Hardness, options.Scale, options.HardnessStrength, weight, queryLosses);
        _context.Launch(_kernels.ReduceLoss, new LaunchShape(1, 256), queryLosses, queries, weight, loss, accumulate);
        if (embeddingsGradient.IsNone)
        {
            return;
        }

        // dC = dS^T R overwrites the last rows, dR = dS C is added to the first; those that are only among the first begin at zero.
        ProductOperand gradient = new(embeddingsGradient);
        ProductOperand columnGradient = gradient with { Address = gradient.Address + ((nint)layout.FirstColumn * width * sizeof(float)) };
        bool overlaps = layout.Rows > layout.FirstColumn;
        if (overlaps && layout.FirstColumn > 0)
        {
            _context.SetBytes(gradient.Address, 0, (long)layout.FirstColumn * width * sizeof(float));
        }

        _products.Multiply(similarity.Transposed, rows, columnGradient, layout.Columns, width, layout.Rows, CublasComputeType.Float32);
        _products.Multiply(similarity, columns, gradient, layout.Rows, width, layout.Columns, CublasComputeType.Float32, adds: overlaps);
        if (isCosine)
        {
            _context.Launch(_kernels.NormalizeBackward, NormalizeShape(embeddings.Rows), units, lengths, embeddingsGradient, embeddingsGradient, embeddings.Rows, width);
        }
    }

    /// <summary>What the loss has in the workspace.</summary>
    private static (long Similarities, long QueryLosses, long Units, long Lengths) RankingLossBytes(in RankingLayout layout, int embeddings, int width, in RankingLossOptions options) =>
        ((long)layout.Rows * layout.Stride * sizeof(float), (long)layout.Queries * sizeof(double), options.Similarity == Similarity.Cosine ? (long)embeddings * width * sizeof(float) : 0,
         (long)embeddings * sizeof(float));
}
