namespace MnrEngine.Kernels.Cuda;

/// <summary>The four arguments that stand for dropout in every kernel (Native/philox.cuh).</summary>
internal readonly struct DropoutArguments
{
    public DropoutArguments(in Dropout dropout)
    {
        if (dropout.IsActive)
        {
            State = dropout.State;
            Site = unchecked((uint)dropout.Site);
            KeepBelow = (uint)Math.Min(Math.Ceiling((1.0 - dropout.Probability) * 4294967296.0), uint.MaxValue);
            KeepScale = (float)(1.0 / (1.0 - dropout.Probability));
        }
    }

    /// <summary>Where seed and step are; none for no dropout.</summary>
    public Tensor State { get; }

    /// <summary>The place in the network.</summary>
    public uint Site { get; }

    /// <summary>An element is kept when its word is below.</summary>
    public uint KeepBelow { get; }

    /// <summary>What a kept element is multiplied by.</summary>
    public float KeepScale { get; }
}
