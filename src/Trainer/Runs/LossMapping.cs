using MnrEngine.Kernels;
using MnrEngine.Losses;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Runs;

/// <summary>A config's loss in the engine's words.</summary>
internal static class LossMapping
{
    private const int LeastClasses = 2;

    /// <summary>The loss.</summary>
    /// <param name="config">Its parameters, with every default filled in.</param>
    /// <param name="classes">One more than the largest class in the data, for a loss whose number of classes is not set.</param>
    public static SentenceLoss ToLoss(this LossConfig config, int classes) => config.Type switch
    {
        LossName.SoftmaxLoss => new SoftmaxLoss(config.NumLabels ?? Math.Max(classes, LeastClasses), Features(config)),
        LossName.CosineSimilarityLoss => new CosineSimilarityLoss(Error(config.LossFct!.Value), Transform(config.CosScoreTransformation!.Value)),
        LossName.CoSENTLoss => new CoSENTLoss((float)config.Scale!.Value, Compared(config)),
        LossName.MatryoshkaLoss => new MatryoshkaLoss(config.Loss!.Unwrapped().ToLoss(classes), config.MatryoshkaDims!, config.MatryoshkaWeights, config.NDimsPerStep!.Value),
        _ => new MultipleNegativesRankingLoss(new RankingLossOptions(
            (float)config.Scale!.Value,
            Compared(config),
            config.Directions!.Aggregate(default(RankingDirections), static (all, direction) => all | Direction(direction)),
            config.PartitionMode == PartitionMode.PerDirection ? RankingPartition.PerDirection : RankingPartition.Joint,
            Hardness(config.HardnessMode),
            (float)config.HardnessStrength!.Value)),
    };

    /// <summary>
    /// What sentence-transformers calls the subset of its data sets that has this loss's rows, such as those of sentence-transformers/all-nli: there, none is
    /// the default.
    /// </summary>
    public static IReadOnlyList<string> SubsetsOfRows(this LossConfig config) => config.Type switch
    {
        LossName.SoftmaxLoss => ["pair-class"],
        LossName.CosineSimilarityLoss or LossName.CoSENTLoss => ["pair-score"],
        LossName.MatryoshkaLoss => config.Loss!.Unwrapped().SubsetsOfRows(),
        _ => ["pair", "triplet"],
    };

    private static Similarity Compared(LossConfig config) =>
        config.SimilarityFct is SimilarityFunction.Dot or SimilarityFunction.PairwiseDot ? Similarity.Dot : Similarity.Cosine;

    private static PairError Error(PairErrorName name) => name switch
    {
        PairErrorName.Mse => PairError.Squared,
        PairErrorName.L1 => PairError.Absolute,
        PairErrorName.SmoothL1 or PairErrorName.Huber => PairError.Huber,
        _ => throw new InvalidOperationException($"no error {name}"),
    };

    private static CosineTransform Transform(CosineTransformName name) => name switch
    {
        CosineTransformName.Identity => CosineTransform.Identity,
        CosineTransformName.Sigmoid => CosineTransform.Sigmoid,
        CosineTransformName.Tanh => CosineTransform.Tanh,
        CosineTransformName.Relu => CosineTransform.Relu,
        _ => throw new InvalidOperationException($"no transformation {name}"),
    };

    private static PairFeatures Features(LossConfig config) =>
        (config.ConcatenationSentRep == true ? PairFeatures.Embeddings : 0)
        | (config.ConcatenationSentDifference == true ? PairFeatures.Difference : 0)
        | (config.ConcatenationSentMultiplication == true ? PairFeatures.Product : 0);

    private static RankingDirections Direction(RankingDirection direction) => direction switch
    {
        RankingDirection.QueryToDoc => RankingDirections.QueryToDocument,
        RankingDirection.QueryToQuery => RankingDirections.QueryToQuery,
        RankingDirection.DocToQuery => RankingDirections.DocumentToQuery,
        RankingDirection.DocToDoc => RankingDirections.DocumentToDocument,
        _ => throw new InvalidOperationException($"no direction {direction}"),
    };

    private static RankingHardness Hardness(HardnessMode? mode) => mode switch
    {
        null => RankingHardness.None,
        HardnessMode.InBatchNegatives => RankingHardness.InBatchNegatives,
        HardnessMode.HardNegatives => RankingHardness.HardNegatives,
        HardnessMode.AllNegatives => RankingHardness.AllNegatives,
        _ => throw new InvalidOperationException($"no hardness {mode}"),
    };
}
