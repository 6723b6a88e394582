using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Losses;

/// <summary>The cosine of each pair has to be its label: the mean squared error.</summary>
public sealed record CosineSimilarityLoss : SentenceLoss
{
    /// <inheritdoc/>
    public override LabelKind Labels => LabelKind.Score;

    /// <inheritdoc/>
    public override PlannedLoss Plan(in LossPlan plan) => new Planned();

    private sealed class Planned : PlannedLoss
    {
        public override void Forward(Pass pass, Variable embeddings, in LossBatch batch, Tensor loss) =>
            pass.Kernels.CosineSimilarityLoss(embeddings.Value, batch.Labels, batch.Weight, loss, GradientOf(pass, embeddings), batch.Add);
    }
}
