namespace MnrEngine.Kernels;

/// <summary>The function applied to a linear layer's result, element by element.</summary>
public enum Activation
{
    /// <summary>None: y = x.</summary>
    Identity,

    /// <summary>y = x/2 (1 + erf(x / sqrt 2)), BERT's "gelu".</summary>
    Gelu,

    /// <summary>y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), "gelu_new" and "gelu_pytorch_tanh".</summary>
    GeluTanh,

    /// <summary>y = max(x, 0).</summary>
    Relu,

    /// <summary>y = tanh(x).</summary>
    Tanh,

    /// <summary>y = 1 / (1 + exp(-x)).</summary>
    Sigmoid,
}
