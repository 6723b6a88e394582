using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Losses;

/// <summary>
/// sentence-transformers' MultipleNegativesRankingLoss: every anchor has to find its own positive among the positives of the batch and all
/// hard negatives. The device computes loss and gradient in one operation, so there is nothing to record on the tape.
/// </summary>
public sealed class RankingLoss
{
    private readonly RankingLossOptions _options;

    /// <summary>Creates the loss.</summary>
    public RankingLoss(RankingLossOptions options)
    {
        _options = options;
    }

    /// <summary>Computes the loss and the gradient of the embeddings.</summary>
    /// <param name="pass">The pass under way.</param>
    /// <param name="embeddings">All columns of the batch one below the other: anchors, positives, then each column of negatives.</param>
    /// <param name="anchors">The number of rows of each column.</param>
    /// <param name="weight">The factor on loss and gradient: 1 / micro-batches.</param>
    /// <param name="loss">(1, 1); overwritten by a step's first micro-batch, added to by the others.</param>
    public void Forward(Pass pass, Variable embeddings, int anchors, float weight, Tensor loss)
    {
        Tensor gradient = Tensor.None;
        if (pass.Training)
        {
            embeddings.ContributeFirst();
            gradient = embeddings.Gradient;
        }

        pass.Kernels.RankingLoss(embeddings.Value, anchors, _options, weight, loss, gradient, pass.Accumulate);
    }
}
