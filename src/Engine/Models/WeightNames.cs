namespace MnrEngine.Models;

/// <summary>What the name of a parameter says about it.</summary>
internal static class WeightNames
{
    /// <summary>Whether it is a bias, or MPNet's relative positions, which are called one.</summary>
    public static bool IsBias(string name) => name.Contains("bias", StringComparison.Ordinal);

    /// <summary>Whether it belongs to a LayerNorm: <c>LayerNorm</c> in BERT and MPNet, <c>sa_layer_norm</c> and <c>output_layer_norm</c> in DistilBERT.</summary>
    public static bool IsNorm(string name) => name.Contains("LayerNorm.", StringComparison.Ordinal) || name.Contains("layer_norm.", StringComparison.Ordinal);
}
