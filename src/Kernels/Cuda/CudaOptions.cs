namespace MnrEngine.Kernels.Cuda;

/// <summary>What a network is computed in on a GPU.</summary>
public enum CudaPrecision
{
    /// <summary>Single precision throughout.</summary>
    Float32,

    /// <summary>Single precision, but the products of layers read their inputs with 10 bits of fraction.</summary>
    TensorFloat32,

    /// <summary>
    /// Activations, their gradients and the copies of weights that products read are bf16; products add up in single precision. Weights, their gradients, moments, statistics,
    /// sentence embeddings, modules behind the pooling and losses stay single precision.
    /// </summary>
    BFloat16,
}

/// <summary>How a GPU is used.</summary>
/// <param name="Device">Its number, from 0.</param>
/// <param name="Precision">What is computed in.</param>
public sealed record CudaOptions(int Device = 0, CudaPrecision Precision = CudaPrecision.Float32)
{
    /// <summary>
    /// Token counts are rounded up to a multiple of this, so that few different shapes occur; see <see cref="DeviceBatch.TokenRows"/>. With 1 nothing is rounded, neither these nor the length
    /// of the longest sentence.
    /// </summary>
    public int TokenBucket { get; init; } = 64;

    /// <summary>Whether a step that comes again is recorded as a CUDA graph and replayed.</summary>
    public bool RecordSteps { get; init; } = true;
}
