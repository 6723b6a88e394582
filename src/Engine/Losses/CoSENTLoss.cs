using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Losses;

/// <summary>Pairs with a larger label have to be more similar than pairs with a smaller one; only the order of labels counts.</summary>
/// <param name="Scale">The factor on similarities.</param>
/// <param name="Similarity">How the two embeddings of a pair are compared.</param>
public sealed record CoSENTLoss(float Scale = 20, Similarity Similarity = Similarity.Cosine) : SentenceLoss
{
    /// <inheritdoc/>
    public override LabelKind Labels => LabelKind.Score;

    /// <inheritdoc/>
    public override PlannedLoss Plan(in LossPlan plan) => new Planned(Scale, Similarity);

    private sealed class Planned(float scale, Similarity similarity) : PlannedLoss
    {
        public override void Forward(Pass pass, Variable embeddings, in LossBatch batch, Tensor loss) =>
            pass.Kernels.CosentLoss(embeddings.Value, batch.Labels, scale, similarity, batch.Weight, loss, GradientOf(pass, embeddings), batch.Add);
    }
}
