namespace MnrEngine.Kernels.Cuda;

/// <summary>The global norm and Adam (Native/optimizer.cuh).</summary>
public sealed unsafe partial class CudaKernels
{
    /// <summary>Elements whose squares one block sums.</summary>
    private const int NormBlock = 65536;

    private const int AdamBlocksOfMultiprocessor = 16;

    /// <inheritdoc/>
    public void PlanGlobalNorm(long gradients) => _workspace.Reserve(NormBlocks(gradients) * sizeof(double));

    /// <inheritdoc/>
    public void GlobalNorm(Tensor gradients, float maximum, Tensor norm, Tensor clipFactor)
    {
        _operands.GlobalNorm(gradients, maximum, norm, clipFactor);
        int blocks = checked((int)NormBlocks(gradients.Length));
        nint sums = _workspace.Take((long)blocks * sizeof(double));
        _context.Launch(_kernels.SquareSums, new LaunchShape(blocks, 256), gradients, gradients.Length, sums);
        _context.Launch(_kernels.ClipFactor, new LaunchShape(1, 256), sums, blocks, maximum, norm, clipFactor);
    }

    /// <inheritdoc/>
    public void Adam(in AdamState state, in AdamOptions options, Tensor rates, Tensor clipFactor)
    {
        _operands.Adam(state, rates, clipFactor);
        Tensor weights = state.Weights;
        nint halves = ActivationType == ElementType.BFloat16 ? _halfWeights.WrittenByOptimizer(weights) : 0;
        _context.Launch(
            _kernels.Adam, new LaunchShape(Blocks((weights.Length + 1023) / 1024, AdamBlocksOfMultiprocessor), 256),
            weights, state.Gradients, state.FirstMoments, state.SecondMoments, state.BlockDecay, rates, clipFactor,
            (float)options.Beta1, (float)(1.0 - options.Beta1), (float)options.Beta2, (float)(1.0 - options.Beta2), (float)options.Epsilon, options.DecoupledDecay, halves, weights.Length);
    }

    private static long NormBlocks(long gradients) => (gradients + NormBlock - 1) / NormBlock;
}
