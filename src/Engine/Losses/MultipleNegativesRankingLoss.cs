using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Losses;

/// <summary>
/// Every anchor has to find its own positive among the positives of the batch and all hard negatives.
/// </summary>
/// <param name="Options">Scale, similarity, directions, partition and hardness.</param>
public sealed record MultipleNegativesRankingLoss(RankingLossOptions Options) : SentenceLoss
{
    /// <summary>The loss with sentence-transformers' defaults.</summary>
    public MultipleNegativesRankingLoss()
        : this(new RankingLossOptions())
    {
    }

    /// <inheritdoc/>
    public override LabelKind Labels => LabelKind.None;

    /// <inheritdoc/>
    public override bool TakesPairs => false;

    /// <inheritdoc/>
    public override bool NeedsNegatives => Options.Hardness == RankingHardness.HardNegatives;

    /// <inheritdoc/>
    public override PlannedLoss Plan(in LossPlan plan)
    {
        plan.Kernels.PlanRankingLoss(plan.Sentences, plan.Sentences / plan.Columns, plan.Dimension, Options);
        return new Planned(Options);
    }

    private sealed class Planned(RankingLossOptions options) : PlannedLoss
    {
        public override void Forward(Pass pass, Variable embeddings, in LossBatch batch, Tensor loss) =>
            pass.Kernels.RankingLoss(embeddings.Value, batch.Rows, options, batch.Weight, loss, GradientOf(pass, embeddings), batch.Add);
    }
}
