using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Tracing;

/// <summary>
/// Another implementation's operations, with listeners told of each before and after it. Whoever runs without listeners does not use this class,
/// and pays nothing for it.
/// </summary>
public sealed partial class ObservedKernels : IKernels, IStepMarks
{
    private readonly IKernels _kernels;
    private readonly IStepMarks[] _marks;
    private readonly IOperationListener[] _listeners;
    private long[] _squaredLengths = new long[2];

    /// <summary>Wraps an implementation.</summary>
    /// <param name="kernels">The implementation; it is disposed of with this.</param>
    /// <param name="listeners">
    /// Who is told. When one is an <see cref="IOperationListener"/> the implementation is asked to run every step, since nobody sees the operations of
    /// one that is replayed.
    /// </param>
    public ObservedKernels(IKernels kernels, IReadOnlyList<IStepMarks> listeners)
    {
        _kernels = kernels;
        _marks = [.. listeners];
        _listeners = [.. listeners.OfType<IOperationListener>()];
        if (_listeners.Length > 0)
        {
            kernels.RunEveryStep();
        }
    }

    /// <inheritdoc/>
    public string Description => _kernels.Description;

    /// <inheritdoc/>
    public ElementType ActivationType => _kernels.ActivationType;

    /// <inheritdoc/>
    public IStepMarks? Marks => this;

    /// <inheritdoc/>
    public IProfilerCapture? ProfilerCapture => _kernels.ProfilerCapture;

    /// <inheritdoc/>
    public string Precision => _kernels.Precision;

    /// <inheritdoc/>
    public OperationClock CreateClock() => _kernels.CreateClock();

    /// <inheritdoc/>
    public void RunEveryStep() => _kernels.RunEveryStep();

    /// <inheritdoc/>
    public DeviceArena CreateArena(string label, long bytes) => _kernels.CreateArena(label, bytes);

    /// <inheritdoc/>
    public int TokenRows(int tokens) => _kernels.TokenRows(tokens);

    /// <inheritdoc/>
    public void Plan(in StepLimits limits) => _kernels.Plan(limits);

    /// <inheritdoc/>
    public void PlanRankingLoss(int embeddings, int queries, int width, in RankingLossOptions options) => _kernels.PlanRankingLoss(embeddings, queries, width, options);

    /// <inheritdoc/>
    public void PlanGlobalNorm(long gradients) => _kernels.PlanGlobalNorm(gradients);

    /// <inheritdoc/>
    public void Write(Tensor destination, ReadOnlySpan<float> source)
    {
        Begin(OperationCosts.Move(destination));
        _kernels.Write(destination, source);
        End();
    }

    /// <inheritdoc/>
    public void Write(Tensor destination, ReadOnlySpan<int> source)
    {
        Begin(OperationCosts.Move(destination));
        _kernels.Write(destination, source);
        End();
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<float> destination)
    {
        Begin(OperationCosts.Move(source));
        _kernels.Read(source, destination);
        End();
    }

    /// <inheritdoc/>
    public void Copy(Tensor source, Tensor destination)
    {
        Begin(OperationCosts.Move(source, destination));
        _kernels.Copy(source, destination);
        End();
    }

    /// <inheritdoc/>
    public void Fill(Tensor destination, float value)
    {
        Begin(OperationCosts.Move(destination));
        _kernels.Fill(destination, value);
        End();
    }

    /// <inheritdoc/>
    public DeviceBatch Upload(PackedBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Begin(new OperationCost(sizeof(int) * ((2L * batch.Tokens) + batch.Sentences + 1), 0));
        DeviceBatch uploaded = _kernels.Upload(batch);
        End();
        if (_squaredLengths.Length <= uploaded.Slot)
        {
            Array.Resize(ref _squaredLengths, uploaded.Slot + 1);
        }

        _squaredLengths[uploaded.Slot] = SquaredLengths(batch.Offsets);
        return uploaded;
    }

    /// <inheritdoc/>
    public bool BeginStep(in StepKey key) => _kernels.BeginStep(key);

    /// <inheritdoc/>
    public void EndStep() => _kernels.EndStep();

    /// <inheritdoc/>
    public void PublishWeights(Tensor weights)
    {
        Begin(default);
        _kernels.PublishWeights(weights);
        End();
    }

    /// <inheritdoc/>
    public void GradientReady(Tensor gradient) => _kernels.GradientReady(gradient);

    /// <inheritdoc/>
    public void Dispose() => _kernels.Dispose();

    void IStepMarks.BeginStep(int? step)
    {
        foreach (IStepMarks listener in _marks)
        {
            listener.BeginStep(step);
        }
    }

    void IStepMarks.EndStep()
    {
        foreach (IStepMarks listener in _marks)
        {
            listener.EndStep();
        }
    }

    void IStepMarks.EnterPhase(StepPhase phase)
    {
        foreach (IStepMarks listener in _marks)
        {
            listener.EnterPhase(phase);
        }
    }

    void IStepMarks.EnterLayer(LayerName? layer)
    {
        foreach (IStepMarks listener in _marks)
        {
            listener.EnterLayer(layer);
        }
    }

    private static long SquaredLengths(ReadOnlySpan<int> offsets)
    {
        long sum = 0;
        for (int i = 1; i < offsets.Length; i++)
        {
            long length = offsets[i] - offsets[i - 1];
            sum += length * length;
        }

        return sum;
    }

    // The caller's name is a literal, one object for all calls.
    private void Begin(in OperationCost cost, [CallerMemberName] string operation = "")
    {
        foreach (IOperationListener listener in _listeners)
        {
            listener.BeginOperation(operation, cost);
        }
    }

    private void End()
    {
        foreach (IOperationListener listener in _listeners)
        {
            listener.EndOperation();
        }
    }
}
