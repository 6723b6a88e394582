using MnrEngine.Autograd;
using MnrEngine.Kernels;

namespace MnrEngine.Optimizers;

/// <summary>What the optimizer keeps of one parameter arena.</summary>
internal sealed class ParameterMoments : IDisposable
{
    private readonly ParameterArena _parameters;
    private readonly DeviceArena _memory;
    private readonly AdamState _state;

    /// <summary>Reserves the moments, all zero.</summary>
    public ParameterMoments(IKernels kernels, ParameterArena parameters, OptimizerOptions options)
    {
        _parameters = parameters;
        int length = parameters.Gradients.Columns;
        int blocks = length / AdamState.BlockLength;
        _memory = kernels.CreateArena(
            "optimizer state", 2 * DeviceArena.BytesOf(ElementType.Float32, 1, length) + DeviceArena.BytesOf(ElementType.Float32, 1, blocks));
        First = _memory.Allocate(ElementType.Float32, 1, length);
        Second = _memory.Allocate(ElementType.Float32, 1, length);
        Tensor blockDecay = _memory.Allocate(ElementType.Float32, 1, blocks);
        kernels.Write(blockDecay, [.. parameters.Blocks(p => options.DecayGroups.Decays(p.Name)).Select(decays => decays ? (float)options.WeightDecay : 0f)]);
        _state = new AdamState(parameters.TrainedWeights, parameters.Gradients, First, Second, blockDecay);
    }

    /// <summary>Running means of the gradients, (1, trained elements).</summary>
    public Tensor First { get; }

    /// <summary>Running means of the squared gradients, (1, trained elements).</summary>
    public Tensor Second { get; }

    /// <summary>The gradients, (1, trained elements).</summary>
    public Tensor Gradients => _parameters.Gradients;

    /// <summary>Device memory.</summary>
    public long Bytes => _memory.Bytes;

    /// <summary>Moves the weights and tells the device that they have moved.</summary>
    public void Step(IKernels kernels, in AdamOptions constants, Tensor rates, Tensor clipFactor)
    {
        kernels.Adam(_state, constants, rates, clipFactor);
        _parameters.Publish();
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
