namespace MnrEngine.Serialization;

/// <summary>
/// What a file of torch.save consists of: a pickle, and the storages that it refers to, which are checked to be there when it is opened.
/// </summary>
internal abstract class TorchStorages : IDisposable
{
    /// <summary>The longest pickle that is read: that of a model takes about 150 bytes a tensor.</summary>
    public const int MaximumPickle = 64 << 20;

    /// <summary>What the pickle holds.</summary>
    public abstract object? Root { get; }

    /// <summary>Reads numbers from a storage that the pickle refers to.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="first">The first number read.</param>
    /// <param name="destination">As many as are read.</param>
    public abstract void Read(TorchStorage storage, long first, Span<float> destination);

    /// <inheritdoc/>
    public abstract void Dispose();
}
