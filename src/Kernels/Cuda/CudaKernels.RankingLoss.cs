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
    public void RankingLoss(Tensor embeddings, int queries, in RankingLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        _operands.RankingLoss(embeddings, queries, options, loss, embeddingsGradient);
        RankingLayout layout = new(embeddings.Rows, queries, options.Directions, SimilarityLanes);
        bool isCosine = options.Similarity == Similarity.Cosine;
        (nint similarities, nint queryLosses, nint units, nint lengths) = _workspace.Take(
            (long)layout.Rows * layout.Stride * sizeof(float), queries * sizeof(double), isCosine ? embeddings.Bytes : 0, (long)embeddings.Rows * sizeof(float));
        int width = embeddings.Columns;
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

    /// <summary>The workspace of the loss in its default directions, where as many queries as documents make the largest matrix; others make room when they first run.</summary>
    private static long RankingLossBytes(in StepLimits limits)
    {
        long half = (limits.Sentences + 1L) / 2;
        return Workspace.Padded(half * (half + SimilarityLanes) * sizeof(float)) + Workspace.Padded(half * sizeof(double))
            + Workspace.Padded((long)limits.Sentences * limits.Embedding * sizeof(float)) + Workspace.Padded(limits.Sentences * sizeof(float));
    }
}
