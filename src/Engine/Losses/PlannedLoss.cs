using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Losses;

/// <summary>
/// A loss with its parameters and buffers. The device computes loss and gradient in one operation, so there is nothing to record on the tape.
/// </summary>
public abstract class PlannedLoss : IDisposable
{
    /// <summary>The loss's own parameters, trained by the same optimizer but never saved with the model; null for none.</summary>
    public virtual ParameterArena? Parameters => null;

    /// <summary>Device memory of parameters, gradients and buffers.</summary>
    public virtual long Bytes => 0;

    /// <summary>Begins a pass.</summary>
    /// <param name="pass">The number of training passes done before it.</param>
    /// <returns>A number that tells this pass's sequence of operations from others of the same shapes.</returns>
    public virtual ulong BeginPass(int pass) => 0;

    /// <summary>Computes the loss and the gradients of the embeddings and of the loss's own parameters.</summary>
    /// <param name="pass">The pass under way.</param>
    /// <param name="embeddings">All columns of the batch one below the other.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="loss">(1, 1).</param>
    public abstract void Forward(Pass pass, Variable embeddings, in LossBatch batch, Tensor loss);

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back.</summary>
    protected virtual void Release()
    {
    }

    /// <summary>Where the gradient of the embeddings goes, for an operation that overwrites it; none outside training.</summary>
    protected static Tensor GradientOf(Pass pass, Variable embeddings)
    {
        if (!pass.Training)
        {
            return Tensor.None;
        }

        embeddings.ContributeFirst();
        return embeddings.Gradient;
    }
}

/// <summary>What a loss is told of a batch.</summary>
/// <param name="Rows">Rows of each column.</param>
/// <param name="Labels">(1, rows): Int32 classes or Float32 scores; <see cref="Tensor.None"/> where the loss needs none.</param>
/// <param name="Weight">The factor on loss and gradient: 1 / micro-batches.</param>
/// <param name="Add">Whether the loss is added to what is there.</param>
public readonly record struct LossBatch(int Rows, Tensor Labels, float Weight, bool Add);
