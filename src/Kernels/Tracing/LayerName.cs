namespace MnrEngine.Kernels.Tracing;

/// <summary>What a part of the network is called in traces. Made once, when the network is; compared by reference.</summary>
public sealed class LayerName
{
    /// <summary>Names a part.</summary>
    /// <param name="kind">What it is: <c>attention</c>.</param>
    /// <param name="number">Which of its kind, from 0; null where there is only one.</param>
    public LayerName(string kind, int? number = null)
    {
        Kind = kind;
        Name = number is int n ? $"{kind} {n}" : kind;
    }

    /// <summary>What it is; figures of one kind are summed up.</summary>
    public string Kind { get; }

    /// <summary>Which one it is.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
