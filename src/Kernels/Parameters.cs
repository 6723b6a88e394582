namespace MnrEngine.Kernels;

/// <summary>A trained matrix or vector and its gradient, which has the same shape.</summary>
/// <param name="Value">The weights, always Float32 (an implementation keeps its own bf16 copies).</param>
/// <param name="Gradient">The gradient, always Float32; <see cref="Tensor.None"/> when only forward passes are run.</param>
public readonly record struct Parameter(Tensor Value, Tensor Gradient)
{
    /// <summary>No parameter, where one is optional.</summary>
    public static Parameter None => default;

    /// <summary>Whether this is <see cref="None"/>.</summary>
    public bool IsNone => Value.IsNone;
}

/// <summary>The parameters of y = x W^T + b.</summary>
/// <param name="Weight">W, (outputs, inputs) as PyTorch stores it.</param>
/// <param name="Bias">b, (1, outputs), or <see cref="Parameter.None"/>.</param>
public readonly record struct LinearParameters(Parameter Weight, Parameter Bias);

/// <summary>The parameters of LayerNorm: y = (x - mean) / sqrt(variance + epsilon) * weight + bias, over each row, with the biased variance.</summary>
/// <param name="Weight">(1, columns).</param>
/// <param name="Bias">(1, columns).</param>
/// <param name="Epsilon">Added to the variance.</param>
public readonly record struct NormParameters(Parameter Weight, Parameter Bias, float Epsilon);

/// <summary>The parameters of the embedding: the sum of three table rows, then LayerNorm.</summary>
/// <param name="Word">(vocabulary, hidden).</param>
/// <param name="Position">(positions, hidden).</param>
/// <param name="TokenType">(types, hidden), of which only row 0 is used and gets a gradient; <see cref="Parameter.None"/> for networks without it.</param>
/// <param name="Norm">The LayerNorm behind the sum.</param>
/// <param name="PaddingId">The token whose row of <paramref name="Word"/> never gets a gradient (torch's padding_idx), or -1.</param>
public readonly record struct EmbeddingParameters(Parameter Word, Parameter Position, Parameter TokenType, NormParameters Norm, int PaddingId = -1);
