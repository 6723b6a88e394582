namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The operations on the CPU, in single precision: the default, and the oracle that GPUs are compared with. It needs nothing but the processor; the
/// instruction set is chosen when it is made.
/// </summary>
/// <remarks>
/// Operations are done when their call returns. Not for use from several threads at once. This class checks operands and hands them on to the
/// implementation for the instruction set.
/// </remarks>
public sealed class CpuKernels : IKernels
{
    private static readonly Operands Operands = new(ElementType.Float32, typeof(CpuArena));

    private readonly CpuThreads _threads;
    private readonly CpuInstructionSet _instructionSet;
    private readonly IKernels _operations;

    /// <summary>Starts the threads.</summary>
    /// <param name="threads">How many take part, the caller included; 0 for one a processor.</param>
    /// <exception cref="NotSupportedException">The environment asks for an instruction set that this machine has not; see <see cref="CpuInstructionSets.OverrideVariable"/>.</exception>
    public CpuKernels(int threads = 0)
        : this(threads, CpuInstructionSets.Selected())
    {
    }

    internal CpuKernels(int threads, CpuInstructionSet instructionSet)
    {
        _threads = new CpuThreads(threads);
        _instructionSet = instructionSet;
        _operations = instructionSet switch
        {
            CpuInstructionSet.Avx512 => new CpuOperations<Float512>(_threads),
            CpuInstructionSet.Avx2 => new CpuOperations<Float256>(_threads),
            _ => new CpuOperations<FloatPortable>(_threads),
        };
    }

    /// <inheritdoc/>
    public string Description => _operations.Description;

    /// <inheritdoc/>
    public ElementType ActivationType => ElementType.Float32;

    /// <inheritdoc/>
    public DeviceArena CreateArena(string label, long bytes) => _operations.CreateArena(label, bytes);

    /// <inheritdoc/>
    public void Plan(in StepLimits limits) => _operations.Plan(limits);

    /// <inheritdoc/>
    public void PlanRankingLoss(int embeddings, int queries, int width, in RankingLossOptions options) => _operations.PlanRankingLoss(embeddings, queries, width, options);

    /// <inheritdoc/>
    public void Write(Tensor destination, ReadOnlySpan<float> source)
    {
        Operands.Write(destination, source);
        _operations.Write(destination, source);
    }

    /// <inheritdoc/>
    public void Write(Tensor destination, ReadOnlySpan<int> source)
    {
        Operands.Write(destination, source);
        _operations.Write(destination, source);
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<float> destination)
    {
        Operands.Read(source, destination);
        _operations.Read(source, destination);
    }

    /// <inheritdoc/>
    public void Copy(Tensor source, Tensor destination)
    {
        Operands.Copy(source, destination);
        _operations.Copy(source, destination);
    }

    /// <inheritdoc/>
    public void Fill(Tensor destination, float value)
    {
        Operands.Fill(destination);
        _operations.Fill(destination, value);
    }

    /// <inheritdoc/>
    public DeviceBatch Upload(PackedBatch batch)
    {
        Operands.Upload(batch);
        return _operations.Upload(batch);
    }

    /// <inheritdoc/>
    public bool BeginStep(in StepKey key) => _operations.BeginStep(key);

    /// <inheritdoc/>
    public void EndStep() => _operations.EndStep();

    /// <inheritdoc/>
    public void PublishWeights(Tensor weights) => _operations.PublishWeights(weights);

    /// <inheritdoc/>
    public void GradientReady(Tensor gradient) => _operations.GradientReady(gradient);

    /// <inheritdoc/>
    public void EmbedNorm(in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        Operands.EmbedNorm(batch, parameters, dropout, normalized, inverseDeviation, output);
        CheckIndices(batch.TokenIds, parameters.Word.Value.Rows, "EmbedNorm", "token id", "rows in its table");
        CheckIndices(batch.Positions, parameters.Position.Value.Rows, "EmbedNorm", "position", "rows in its table");
        _operations.EmbedNorm(batch, parameters, dropout, normalized, inverseDeviation, output);
    }

    /// <inheritdoc/>
    public void EmbedNormBackward(
        in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor outputGradient, bool accumulate)
    {
        Operands.EmbedNormBackward(batch, parameters, dropout, normalized, inverseDeviation, outputGradient);
        CheckIndices(batch.TokenIds, parameters.Word.Value.Rows, "EmbedNorm", "token id", "rows in its table");
        CheckIndices(batch.Positions, parameters.Position.Value.Rows, "EmbedNorm", "position", "rows in its table");
        _operations.EmbedNormBackward(batch, parameters, dropout, normalized, inverseDeviation, outputGradient, accumulate);
    }

    /// <inheritdoc/>
    public void Linear(Tensor input, in LinearParameters parameters, Tensor output)
    {
        Operands.Linear(input, parameters, output);
        _operations.Linear(input, parameters, output);
    }

    /// <inheritdoc/>
    public void LinearBackward(Tensor input, in LinearParameters parameters, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate)
    {
        Operands.LinearBackward(input, parameters, outputGradient, inputGradient);
        _operations.LinearBackward(input, parameters, outputGradient, inputGradient, addToInputGradient, accumulate);
    }

    /// <inheritdoc/>
    public void LinearActivation(Tensor input, in LinearParameters parameters, Activation activation, Tensor preactivation, Tensor output)
    {
        Operands.LinearActivation(input, parameters, activation, preactivation, output);
        _operations.LinearActivation(input, parameters, activation, preactivation, output);
    }

    /// <inheritdoc/>
    public void LinearActivationBackward(
        Tensor input, in LinearParameters parameters, Activation activation, Tensor preactivation, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate)
    {
        Operands.LinearActivationBackward(input, parameters, activation, preactivation, outputGradient, inputGradient);
        _operations.LinearActivationBackward(input, parameters, activation, preactivation, outputGradient, inputGradient, addToInputGradient, accumulate);
    }

    /// <inheritdoc/>
    public void LinearDropoutAddNorm(
        Tensor input, in LinearParameters linear, in Dropout dropout, Tensor residual, in NormParameters norm, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        Operands.LinearDropoutAddNorm(input, linear, dropout, residual, norm, normalized, inverseDeviation, output);
        _operations.LinearDropoutAddNorm(input, linear, dropout, residual, norm, normalized, inverseDeviation, output);
    }

    /// <inheritdoc/>
    public void LinearDropoutAddNormBackward(
        Tensor input, in LinearParameters linear, in Dropout dropout, in NormParameters norm, Tensor normalized, Tensor inverseDeviation,
        Tensor outputGradient, Tensor inputGradient, Tensor residualGradient, bool accumulate)
    {
        Operands.LinearDropoutAddNormBackward(input, linear, dropout, norm, normalized, inverseDeviation, outputGradient, inputGradient, residualGradient);
        _operations.LinearDropoutAddNormBackward(
            input, linear, dropout, norm, normalized, inverseDeviation, outputGradient, inputGradient, residualGradient, accumulate);
    }

    /// <inheritdoc/>
    public void Attention(in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context)
    {
        Operands.Attention(batch, queryKeyValue, heads, bias, dropout, logSumExp, context);
        _operations.Attention(batch, queryKeyValue, heads, bias, dropout, logSumExp, context);
    }

    /// <inheritdoc/>
    public void AttentionBackward(
        in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context, Tensor contextGradient,
        Tensor queryKeyValueGradient, Tensor biasGradient)
    {
        Operands.AttentionBackward(batch, queryKeyValue, heads, bias, dropout, logSumExp, context, contextGradient, queryKeyValueGradient, biasGradient);
        _operations.AttentionBackward(batch, queryKeyValue, heads, bias, dropout, logSumExp, context, contextGradient, queryKeyValueGradient, biasGradient);
    }

    /// <inheritdoc/>
    public void RelativeBias(in Parameter table, Tensor bias)
    {
        Operands.RelativeBias(table, bias);
        _operations.RelativeBias(table, bias);
    }

    /// <inheritdoc/>
    public void RelativeBiasBackward(in Parameter table, Tensor biasGradient, bool accumulate)
    {
        Operands.RelativeBiasBackward(table, biasGradient);
        _operations.RelativeBiasBackward(table, biasGradient, accumulate);
    }

    /// <inheritdoc/>
    public void Pool(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooled)
    {
        Operands.Pool(batch, modes, hidden, pooled);
        _operations.Pool(batch, modes, hidden, pooled);
    }

    /// <inheritdoc/>
    public void PoolBackward(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooledGradient, Tensor hiddenGradient)
    {
        Operands.PoolBackward(batch, modes, hidden, pooledGradient, hiddenGradient);
        _operations.PoolBackward(batch, modes, hidden, pooledGradient, hiddenGradient);
    }

    /// <inheritdoc/>
    public void Normalize(Tensor input, Tensor length, Tensor output)
    {
        Operands.Normalize(input, length, output);
        _operations.Normalize(input, length, output);
    }

    /// <inheritdoc/>
    public void NormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient)
    {
        Operands.NormalizeBackward(output, length, outputGradient, inputGradient);
        _operations.NormalizeBackward(output, length, outputGradient, inputGradient);
    }

    /// <inheritdoc/>
    public void TruncateNormalize(Tensor input, Tensor length, Tensor output)
    {
        Operands.TruncateNormalize(input, length, output);
        _operations.TruncateNormalize(input, length, output);
    }

    /// <inheritdoc/>
    public void TruncateNormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient)
    {
        Operands.TruncateNormalizeBackward(output, length, outputGradient, inputGradient);
        _operations.TruncateNormalizeBackward(output, length, outputGradient, inputGradient, addToInputGradient);
    }

    /// <inheritdoc/>
    public void RankingLoss(Tensor embeddings, int queries, in RankingLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        Operands.RankingLoss(embeddings, queries, options, loss, embeddingsGradient);
        _operations.RankingLoss(embeddings, queries, options, weight, loss, embeddingsGradient, accumulate);
    }

    /// <inheritdoc/>
    public void SoftmaxLoss(
        Tensor embeddings, Tensor labels, in LinearParameters classifier, PairFeatures features, float weight, Tensor logits, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        Operands.SoftmaxLoss(embeddings, labels, classifier, features, logits, loss, embeddingsGradient);
        CheckIndices(labels, logits.Columns, "SoftmaxLoss", "label", "classes");
        _operations.SoftmaxLoss(embeddings, labels, classifier, features, weight, logits, loss, embeddingsGradient, accumulate);
    }

    /// <inheritdoc/>
    public void CosineSimilarityLoss(Tensor embeddings, Tensor labels, in CosineLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        Operands.CosineSimilarityLoss(embeddings, labels, loss, embeddingsGradient);
        _operations.CosineSimilarityLoss(embeddings, labels, options, weight, loss, embeddingsGradient, accumulate);
    }

    /// <inheritdoc/>
    public void CosentLoss(Tensor embeddings, Tensor labels, float scale, Similarity similarity, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        Operands.CosentLoss(embeddings, labels, scale, loss, embeddingsGradient);
        _operations.CosentLoss(embeddings, labels, scale, similarity, weight, loss, embeddingsGradient, accumulate);
    }

    /// <inheritdoc/>
    public void GlobalNorm(Tensor gradients, float maximum, Tensor norm, Tensor clipFactor)
    {
        Operands.GlobalNorm(gradients, maximum, norm, clipFactor);
        _operations.GlobalNorm(gradients, maximum, norm, clipFactor);
    }

    /// <inheritdoc/>
    public void Adam(in AdamState state, in AdamOptions options, Tensor rates, Tensor clipFactor)
    {
        Operands.Adam(state, rates, clipFactor);
        _operations.Adam(state, options, rates, clipFactor);
    }

    /// <summary>The ceiling of these operations, measured on their own threads and instructions; see <see cref="FmaPeak"/>.</summary>
    /// <returns>Floating-point operations a second.</returns>
    public double MeasurePeak() => FmaPeak.Measure(_threads, _instructionSet);

    /// <summary>As <see cref="MeasurePeak"/>, kept up for some fifty milliseconds.</summary>
    /// <returns>Floating-point operations a second.</returns>
    public double MeasureSustainedPeak() => FmaPeak.MeasureSustained(_threads, _instructionSet);

    /// <inheritdoc/>
    public void Dispose()
    {
        _operations.Dispose();
        _threads.Dispose();
    }

    /// <summary>An index beyond its table would read or write memory of others. A GPU cannot say so; here it costs nothing worth mentioning.</summary>
    private static unsafe void CheckIndices(Tensor indices, int count, string operation, string what, string ofWhat)
    {
        foreach (int index in new ReadOnlySpan<int>(indices.Integers(), indices.Columns))
        {
            if ((uint)index >= (uint)count)
            {
                throw new ArgumentException($"{operation}: {what} {index} is in the batch, but there are {count} {ofWhat}", nameof(indices));
            }
        }
    }
}
