using MnrEngine.Kernels.Cuda;
using MnrEngine.Kernels.Tests.Operations;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cuda;

/// <summary>What is planned for a ranking loss is enough for it and for any smaller batch.</summary>
internal sealed class RankingLossWorkspaceTests
{
    private const int Queries = 6;
    private const int Width = 10;

    private static IEnumerable<RankingDirections> AllDirections =>
        from others in Enumerable.Range(0, 8)
        select RankingDirections.QueryToDocument | (RankingDirections)(2 * others);

    [Test]
    public void NoWorkspaceGrowsInsideALossOfAnyDirections([ValueSource(nameof(AllDirections))] RankingDirections directions, [Values(2, 3)] int columns)
    {
        using CudaKernels kernels = CudaTarget.Create(KernelTarget.ExactShapes);
        using Device device = new(kernels, ownsKernels: false);
        Tensor embeddings = device.Float(Array2.Random(columns * Queries, Width, new Random(5)));
        bool isPerDirection = (directions & ~(RankingDirections.QueryToDocument | RankingDirections.DocumentToQuery)) == 0;

        // Their memory grows from one to the next.
        foreach (Similarity similarity in (Similarity[])[Similarity.Dot, Similarity.Cosine])
        {
            foreach (RankingPartition partition in (RankingPartition[])[RankingPartition.Joint, .. isPerDirection ? (RankingPartition[])[RankingPartition.PerDirection] : []])
            {
                RankingLossOptions options = new(20, similarity, directions, partition);
                kernels.PlanRankingLoss(embeddings.Rows, Queries, Width, options);
                long planned = kernels.WorkspaceBytes;

                kernels.RankingLoss(embeddings, Queries, options, 1, device.Output(1, 1), device.Output(embeddings.Rows, Width), accumulate: false);
                kernels.RankingLoss(
                    embeddings.FirstRows(columns * (Queries - 1)), Queries - 1, options, 1, device.Output(1, 1), device.Output(columns * (Queries - 1), Width), accumulate: false);

                Assert.That(planned, Is.Positive);
                Assert.That(kernels.WorkspaceBytes, Is.EqualTo(planned), $"{similarity}, {partition}");
            }
        }
    }
}
