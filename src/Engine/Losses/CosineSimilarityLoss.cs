using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Losses;

/// <summary>The cosine of each pair has to be its label: the mean squared error, or another one, perhaps of a transform of the cosine.</summary>
/// <param name="Error">How cosines are compared with labels (sentence-transformers' <c>loss_fct</c>).</param>
/// <param name="Transform">What cosines go through before (<c>cos_score_transformation</c>).</param>
public sealed record CosineSimilarityLoss(PairError Error = PairError.Squared, CosineTransform Transform = CosineTransform.Identity) : SentenceLoss
{
    /// <inheritdoc/>
    public override LabelKind Labels => LabelKind.Score;

    /// <inheritdoc/>
    public override PlannedLoss Plan(in LossPlan plan) => new Planned(new CosineLossOptions(Error, Transform));

    private sealed class Planned(CosineLossOptions options) : PlannedLoss
    {
        public override void Forward(Pass pass, Variable embeddings, in LossBatch batch, Tensor loss) =>
            pass.Kernels.CosineSimilarityLoss(embeddings.Value, batch.Labels, options, batch.Weight, loss, GradientOf(pass, embeddings), batch.Add);
    }
}
