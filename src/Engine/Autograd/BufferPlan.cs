using MnrEngine.Kernels;

namespace MnrEngine.Autograd;

/// <summary>
/// Hands out the buffers of a network for its largest batch. What the backward pass will need again is saved in a buffer of its own;
/// everything else, and in a network for inference everything, is shared under a name between the layers, which use it one after another.
/// </summary>
public sealed class BufferPlan : IDisposable
{
    private readonly IKernels _kernels;
    private readonly List<DeviceArena> _arenas = [];
    private readonly Dictionary<string, Tensor> _shared = [];

    /// <summary>Begins a plan.</summary>
    /// <param name="kernels">The device.</param>
    /// <param name="limits">The largest batch.</param>
    public BufferPlan(IKernels kernels, StepLimits limits)
    {
        _kernels = kernels;
        Limits = limits;
        TokenRows = kernels.TokenRows(limits.Tokens);
    }

    /// <summary>The largest batch.</summary>
    public StepLimits Limits { get; }

    /// <summary>The rows of a buffer of token vectors for the largest batch.</summary>
    public int TokenRows { get; }

    /// <summary>Whether there will be backward passes.</summary>
    public bool Backward => Limits.Backward;

    /// <summary>The bytes reserved so far.</summary>
    public long Bytes => _arenas.Sum(static a => a.Bytes);

    /// <summary>A buffer of activations, (tokens, columns), kept for the backward pass; shared under <paramref name="name"/> when there is none.</summary>
    public Tensor SavedTokens(string name, int columns) => Saved(name, _kernels.ActivationType, TokenRows, columns);

    /// <summary>A Float32 buffer kept for the backward pass; shared under <paramref name="name"/> when there is none.</summary>
    public Tensor SavedFloats(string name, int rows, int columns) => Saved(name, ElementType.Float32, rows, columns);

    /// <summary>A buffer only the backward pass reads; <see cref="Tensor.None"/> when there is none.</summary>
    public Tensor BackwardOnlyTokens(int columns) => Backward ? New("activations", _kernels.ActivationType, TokenRows, columns) : Tensor.None;

    /// <summary>A Float32 buffer only the backward pass reads; <see cref="Tensor.None"/> when there is none.</summary>
    public Tensor BackwardOnlyFloats(int rows, int columns) => Backward ? New("activations", ElementType.Float32, rows, columns) : Tensor.None;

    /// <summary>A gradient of activations, (tokens, columns), shared under a name; <see cref="Tensor.None"/> when there is no backward pass.</summary>
    public Tensor TokenGradient(string name, int columns) =>
        Backward ? Shared("gradient of " + name, _kernels.ActivationType, TokenRows, columns) : Tensor.None;

    /// <summary>A Float32 gradient shared under a name; <see cref="Tensor.None"/> when there is no backward pass.</summary>
    public Tensor FloatGradient(string name, int rows, int columns) =>
        Backward ? Shared("gradient of " + name, ElementType.Float32, rows, columns) : Tensor.None;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DeviceArena arena in _arenas)
        {
            arena.Dispose();
        }

        _arenas.Clear();
    }

    private Tensor Saved(string name, ElementType type, int rows, int columns) =>
        Backward ? New(name, type, rows, columns) : Shared(name, type, rows, columns);

    private Tensor Shared(string name, ElementType type, int rows, int columns)
    {
        if (!_shared.TryGetValue(name, out Tensor tensor))
        {
            tensor = New(name, type, rows, columns);
            _shared.Add(name, tensor);
        }

        return tensor.Type == type && tensor.Rows == rows && tensor.Columns == columns
            ? tensor
            : throw new InvalidOperationException($"buffer '{name}' is {tensor}; a layer asks for {rows} x {columns} {type}");
    }

    private Tensor New(string label, ElementType type, int rows, int columns)
    {
        DeviceArena arena = _kernels.CreateArena(label, DeviceArena.BytesOf(type, rows, columns));
        _arenas.Add(arena);
        return arena.Allocate(type, rows, columns);
    }
}
