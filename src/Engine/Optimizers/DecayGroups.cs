using MnrEngine.Models;

namespace MnrEngine.Optimizers;

/// <summary>Which parameters weight decay applies to. They are told apart by their names.</summary>
public enum DecayGroups
{
    /// <summary>transformers' Trainer: all but LayerNorms and what has "bias" in its name (MPNet's relative_attention_bias.weight has).</summary>
    Trainer,

    /// <summary>
    /// sentence-transformers' old fit: all but what has "bias" or "LayerNorm.weight" in its name, so that DistilBERT's sa_layer_norm.weight and
    /// output_layer_norm.weight decay.
    /// </summary>
    Fit,
}

/// <summary>The rules of <see cref="DecayGroups"/>.</summary>
public static class DecayGroupRules
{
    /// <summary>Whether weight decay applies to a parameter of this name.</summary>
    public static bool Decays(this DecayGroups groups, string name) =>
        !WeightNames.IsBias(name) && !(groups == DecayGroups.Fit ? name.Contains("LayerNorm.weight", StringComparison.Ordinal) : WeightNames.IsNorm(name));
}
