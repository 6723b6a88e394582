using MnrEngine.Autograd;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Tracing;

namespace MnrEngine.Models;

/// <summary>Pooling, or a module behind it.</summary>
/// <param name="Name">What it is called in traces.</param>
/// <param name="Forward">Runs it.</param>
internal sealed record NetworkModule(LayerName Name, Func<Pass, Variable, Variable> Forward);

/// <summary>
/// A sentence encoder planned for a largest batch: the transformer, pooling and the modules behind it, with all buffers they need.
/// </summary>
public sealed class SentenceNetwork : IDisposable
{
    private readonly BufferPlan _plan;
    private readonly Func<Pass, Variable> _transformer;
    private readonly NetworkModule[] _modules;

    internal SentenceNetwork(
        Pass pass, BufferPlan plan, Func<Pass, Variable> transformer, IReadOnlyList<NetworkModule> modules, Variable output)
    {
        Pass = pass;
        _plan = plan;
        _transformer = transformer;
        _modules = [.. modules];
        Output = output.Buffer;
    }

    /// <summary>The position of a sentence's first token.</summary>
    public required int FirstPosition { get; init; }

    /// <summary>The width of an embedding: that of <see cref="Output"/>, unless the encoder keeps fewer numbers.</summary>
    public required int Dimension { get; init; }

    /// <summary>Where the embeddings of a batch come to lie, Float32 (most sentences, width); the first rows are the batch's.</summary>
    public Tensor Output { get; }

    /// <summary>The largest batch.</summary>
    public StepLimits Limits => _plan.Limits;

    /// <summary>The pass under way: begin it, then call <see cref="Forward"/>.</summary>
    public Pass Pass { get; }

    /// <summary>The bytes of the network's buffers.</summary>
    public long BufferBytes => _plan.Bytes;

    /// <summary>Token vectors of the pass's batch, (tokens, hidden).</summary>
    public Variable ForwardTokens() => _transformer(Pass);

    /// <summary>Embeddings of the pass's batch, Float32 (sentences, dimension).</summary>
    public Variable Forward()
    {
        Variable value = ForwardTokens();
        foreach (NetworkModule module in _modules)
        {
            Pass.Enter(module.Name);
            value = module.Forward(Pass, value);
        }

        return value;
    }

    /// <inheritdoc/>
    public void Dispose() => _plan.Dispose();
}
