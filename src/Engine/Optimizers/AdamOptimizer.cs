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
/// <param name="ClipLossParameters">
/// Whether a loss's own parameters are clipped and counted in the norm with the model's, as the old <c>fit</c> does; today's Trainer leaves them out of both.
/// </param>
public sealed record OptimizerOptions(
    double LearningRate,
    double WeightDecay = 0,
    double Beta1 = 0.9,
    double Beta2 = 0.999,
    double Epsilon = 1e-8,
    bool DecoupledDecay = true,
    double MaxGradientNorm = double.PositiveInfinity,
    DecayGroups DecayGroups = DecayGroups.Trainer,
    bool ClipLossParameters = false);

/// <summary>Adam and AdamW over a model's parameter arena, and a loss's where it has one, with clipping by the global norm.</summary>
public sealed class AdamOptimizer : IDisposable
{
    private readonly IKernels _kernels;
    private readonly OptimizerOptions _options;
    private readonly ParameterMoments _model;
    private readonly ParameterMoments? _loss;
    private readonly DeviceArena _memory;
    private readonly AdamOptions _constants;
    private readonly Tensor _rates;
    private readonly Tensor _clipFactor;
    private readonly Tensor _one;
    private readonly Tensor _norms;

    /// <summary>Reserves the moments, all zero.</summary>
    /// <param name="kernels">The device.</param>
    /// <param name="parameters">The model's parameters.</param>
    /// <param name="options">The settings.</param>
    /// <param name="lossParameters">The parameters of a loss, or null.</param>
    public AdamOptimizer(IKernels kernels, ParameterArena parameters, OptimizerOptions options, ParameterArena? lossParameters = null)
    {
        _kernels = kernels;
        _options = options;
        _model = new ParameterMoments(kernels, parameters, options);
        _loss = lossParameters is null ? null : new ParameterMoments(kernels, lossParameters, options);
        kernels.PlanGlobalNorm(Math.Max(parameters.Gradients.Length, lossParameters?.Gradients.Length ?? 0));
        _memory = kernels.CreateArena("optimizer scalars", 5 * DeviceArena.Alignment);
        _rates = _memory.Allocate(ElementType.Float32, 1, 4);
        _clipFactor = _memory.Allocate(ElementType.Float32, 1, 1);
        GradientNorm = _memory.Allocate(ElementType.Float32, 1, 1);
        _one = _memory.Allocate(ElementType.Float32, 1, 1);
        _norms = _memory.Allocate(ElementType.Float32, 1, 2);
        kernels.Fill(_one, 1);
        _constants = new AdamOptions((float)options.Beta1, (float)options.Beta2, (float)options.Epsilon, options.DecoupledDecay);
    }

    /// <summary>Running means of the gradients, (1, trained elements).</summary>
    public Tensor FirstMoments => _model.First;

    /// <summary>Running means of the squared gradients, (1, trained elements).</summary>
    public Tensor SecondMoments => _model.Second;

    /// <summary>The moments of the loss's parameters, or null where it has none.</summary>
    public (Tensor First, Tensor Second)? LossMoments => _loss is null ? null : (_loss.First, _loss.Second);

    /// <summary>The norm of the last step's gradients before clipping, (1, 1).</summary>
    public Tensor GradientNorm { get; }

    /// <summary>Device memory of the moments.</summary>
    public long Bytes => _model.Bytes + (_loss?.Bytes ?? 0) + _memory.Bytes;

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
        float maximum = (float)_options.MaxGradientNorm;
        bool together = _loss is not null && _options.ClipLossParameters;
        if (together)
        {
            // The norm of both is the norm of their norms. What these two calls find to clip by is overwritten.
            _kernels.GlobalNorm(_model.Gradients, float.PositiveInfinity, _norms.View(0, 1, 1), _clipFactor);
            _kernels.GlobalNorm(_loss!.Gradients, float.PositiveInfinity, _norms.View(1, 1, 1), _clipFactor);
            _kernels.GlobalNorm(_norms, maximum, GradientNorm, _clipFactor);
        }
        else
        {
            _kernels.GlobalNorm(_model.Gradients, maximum, GradientNorm, _clipFactor);
        }

        _model.Step(_kernels, _constants, _rates, _clipFactor);
        _loss?.Step(_kernels, _constants, _rates, together ? _clipFactor : _one);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.Dispose();
        _loss?.Dispose();
        _memory.Dispose();
    }
}
