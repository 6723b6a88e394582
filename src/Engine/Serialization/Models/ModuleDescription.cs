using MnrEngine.Kernels;

namespace MnrEngine.Serialization;

/// <summary>A module after the pooling: what it does to a sentence's vector.</summary>
public abstract record ModuleDescription;

/// <summary>y = activation(x W^T + b). Its weights are <c>linear.weight</c> [out, in] and, with a bias, <c>linear.bias</c> [out].</summary>
/// <param name="InFeatures">Width of x.</param>
/// <param name="OutFeatures">Width of y.</param>
/// <param name="Bias">Whether there is a b.</param>
/// <param name="Activation">Applied to every element.</param>
public sealed record DenseDescription(int InFeatures, int OutFeatures, bool Bias, Activation Activation) : ModuleDescription
{
    /// <summary>Its parameters, in the order in which torch's Linear declares them.</summary>
    public IReadOnlyList<WeightName> Weights => Bias
        ? [new("linear.weight", [OutFeatures, InFeatures]), new("linear.bias", [OutFeatures])]
        : [new("linear.weight", [OutFeatures, InFeatures])];
}

/// <summary>y = x / max(||x||, 1e-12).</summary>
public sealed record NormalizeDescription : ModuleDescription;
