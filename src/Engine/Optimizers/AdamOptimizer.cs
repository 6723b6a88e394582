using MnrEngine.Autograd;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Tracing;

namespace MnrEngine.Optimizers;

/// <summary>The settings of an optimizer, with torch's names and defaults.</summary>
/// <param name="LearningRate">The peak learning rate.</param>
/// <param name="WeightDecay">Applied to the parameters that <paramref name="DecayGroups"/> says.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the denominator.</param>
/// <param name="DecoupledDecay">True for AdamW, false for Adam.</param>
/// <param name="MaxGradientNorm">The global norm that gradients are clipped to; positive infinity for no clipping.</param>
/// <param name="DecayGroups">What weight decay applies to.</param>
public sealed record OptimizerOptions(
    double LearningRate,
    double WeightDecay = 0,
    double Beta1 = 0.9,
    double Beta2 = 0.999,
    double Epsilon = 1e-8,
    bool DecoupledDecay = true,
    double MaxGradientNorm = double.PositiveInfinity,
    DecayGroups DecayGroups = DecayGroups.Trainer);

/// <summary>Adam and AdamW over a whole parameter arena, with clipping by the global norm.</summary>
public sealed class AdamOptimizer : IDisposable
{
    private readonly IKernels _kernels;
    private readonly ParameterArena _parameters;
    private readonly OptimizerOptions _options;
    private readonly DeviceArena _memory;
    private readonly AdamState _state;
    private readonly AdamOptions _constants;
    private readonly Tensor _rates;
    private readonly Tensor _clipFactor;

    /// <summary>Reserves the moments, all zero.</summary>
    public AdamOptimizer(IKernels kernels, ParameterArena parameters, OptimizerOptions options)
    {
        _kernels = kernels;
        _parameters = parameters;
        _options = options;
        int length = parameters.Gradients.Columns;
        int blocks = length / AdamState.BlockLength;
        _memory = kernels.CreateArena(
            "optimizer state",
            2 * DeviceArena.BytesOf(ElementType.Float32, 1, length) + DeviceArena.BytesOf(ElementType.Float32, 1, blocks) + 3 * DeviceArena.Alignment);
        FirstMoments = _memory.Allocate(ElementType.Float32, 1, length);
        SecondMoments = _memory.Allocate(ElementType.Float32, 1, length);
        Tensor blockDecay = _memory.Allocate(ElementType.Float32, 1, blocks);
        _rates = _memory.Allocate(ElementType.Float32, 1, 4);
        _clipFactor = _memory.Allocate(ElementType.Float32, 1, 1);
        GradientNorm = _memory.Allocate(ElementType.Float32, 1, 1);
        kernels.Write(blockDecay, [.. parameters.Blocks(p => options.DecayGroups.Decays(p.Name)).Select(decays => decays ? (float)options.WeightDecay : 0f)]);
        _state = new AdamState(parameters.TrainedWeights, parameters.Gradients, FirstMoments, SecondMoments, blockDecay);
        _constants = new AdamOptions((float)options.Beta1, (float)options.Beta2, (float)options.Epsilon, options.DecoupledDecay);
    }

    /// <summary>Running means of the gradients, (1, trained elements).</summary>
    public Tensor FirstMoments { get; }

    /// <summary>Running means of the squared gradients, (1, trained elements).</summary>
    public Tensor SecondMoments { get; }

    /// <summary>The norm of the last step's gradients before clipping, (1, 1).</summary>
    public Tensor GradientNorm { get; }

    /// <summary>Device memory of the moments.</summary>
    public long Bytes => _memory.Bytes;

    /// <summary>Hands the device the rates of a step; called before the step is begun.</summary>
    /// <param name="step">The number of this step, counted from 1.</param>
    /// <param name="learningRate">Its learning rate.</param>
    public void Prepare(int step, double learningRate)
    {
        double stepSize = learningRate / (1 - Math.Pow(_options.Beta1, step));
        double inverseRootCorrection = 1 / Math.Sqrt(1 - Math.Pow(_options.Beta2, step));
        _kernels.Write(_rates, [(float)learningRate, (float)stepSize, (float)inverseRootCorrection, 0]);
    }

    /// <summary>Clips the gradients, moves the weights and tells the device that they have moved.</summary>
    public void Step()
    {
        _kernels.Marks?.EnterPhase(StepPhase.Optimizer);
        _kernels.GlobalNorm(_parameters.Gradients, (float)_options.MaxGradientNorm, GradientNorm, _clipFactor);
        _kernels.Adam(_state, _constants, _rates, _clipFactor);
        _parameters.Publish();
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
