namespace MnrEngine.Kernels;

/// <summary>The constants of Adam and AdamW; doubles, because 1 - 0.999f is 1.7e-5 off.</summary>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the corrected second moment.</param>
/// <param name="DecoupledDecay">True for AdamW (the weight shrinks), false for Adam (the decay is added to the gradient).</param>
public readonly record struct AdamOptions(double Beta1, double Beta2, double Epsilon, bool DecoupledDecay);

/// <summary>The flat arrays that one pass of the optimizer runs over; all but <paramref name="BlockDecay"/> are Float32 (1, n) with n a multiple of 64.</summary>
/// <param name="Weights">The weights, updated.</param>
/// <param name="Gradients">Their gradients before clipping.</param>
/// <param name="FirstMoments">Running means of the gradients, updated.</param>
/// <param name="SecondMoments">Running means of their squares, updated.</param>
/// <param name="BlockDecay">Float32 (1, n / 64): the weight decay of each block of 64 elements; a block belongs to one parameter.</param>
public readonly record struct AdamState(
    Tensor Weights, Tensor Gradients, Tensor FirstMoments, Tensor SecondMoments, Tensor BlockDecay)
{
    /// <summary>The number of elements that share one weight decay; parameters begin at multiples of it.</summary>
    public const int BlockLength = 64;
}
