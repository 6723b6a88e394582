namespace MnrEngine.Kernels.Tracing;

/// <summary>The operations of the network, the loss and the optimizer.</summary>
public sealed partial class ObservedKernels
{
    /// <inheritdoc/>
    public void EmbedNorm(in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        Begin(OperationCosts.EmbedNorm(batch, parameters, normalized, inverseDeviation, output));
        _kernels.EmbedNorm(batch, parameters, dropout, normalized, inverseDeviation, output);
        End();
    }

    /// <inheritdoc/>
    public void EmbedNormBackward(
        in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor outputGradient, bool accumulate)
    {
        Begin(OperationCosts.EmbedNormBackward(batch, parameters, normalized, inverseDeviation, outputGradient));
        _kernels.EmbedNormBackward(batch, parameters, dropout, normalized, inverseDeviation, outputGradient, accumulate);
        End();
    }

    /// <inheritdoc/>
    public void Linear(Tensor input, in LinearParameters parameters, Tensor output)
    {
        Begin(OperationCosts.Linear(input, parameters, output));
        _kernels.Linear(input, parameters, output);
        End();
    }

    /// <inheritdoc/>
    public void LinearBackward(Tensor input, in LinearParameters parameters, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate)
    {
        Begin(OperationCosts.LinearBackward(input, parameters, outputGradient, inputGradient));
        _kernels.LinearBackward(input, parameters, outputGradient, inputGradient, addToInputGradient, accumulate);
        End();
    }

    /// <inheritdoc/>
    public void LinearActivation(Tensor input, in LinearParameters parameters, Activation activation, Tensor preactivation, Tensor output)
    {
        Begin(OperationCosts.LinearActivation(input, parameters, preactivation, output));
        _kernels.LinearActivation(input, parameters, activation, preactivation, output);
        End();
    }

    /// <inheritdoc/>
    public void LinearActivationBackward(
        Tensor input, in LinearParameters parameters, Activation activation, Tensor preactivation, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient,
        bool accumulate)
    {
        Begin(OperationCosts.LinearActivationBackward(input, parameters, preactivation, outputGradient, inputGradient));
        _kernels.LinearActivationBackward(input, parameters, activation, preactivation, outputGradient, inputGradient, addToInputGradient, accumulate);
        End();
    }

    /// <inheritdoc/>
    public void LinearDropoutAddNorm(
        Tensor input, in LinearParameters linear, in Dropout dropout, Tensor residual, in NormParameters norm, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        Begin(OperationCosts.LinearDropoutAddNorm(input, linear, residual, norm, normalized, inverseDeviation, output));
        _kernels.LinearDropoutAddNorm(input, linear, dropout, residual, norm, normalized, inverseDeviation, output);
        End();
    }

    /// <inheritdoc/>
    public void LinearDropoutAddNormBackward(
        Tensor input, in LinearParameters linear, in Dropout dropout, in NormParameters norm, Tensor normalized, Tensor inverseDeviation, Tensor outputGradient,
        Tensor inputGradient, Tensor residualGradient, bool accumulate)
    {
        Begin(OperationCosts.LinearDropoutAddNormBackward(input, linear, norm, normalized, inverseDeviation, outputGradient, inputGradient, residualGradient));
        _kernels.LinearDropoutAddNormBackward(
            input, linear, dropout, norm, normalized, inverseDeviation, outputGradient, inputGradient, residualGradient, accumulate);
        End();
    }

    /// <inheritdoc/>
    public void Attention(in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context)
    {
        Begin(OperationCosts.Attention(_squaredLengths[batch.Slot], queryKeyValue, heads, bias, logSumExp, context));
        _kernels.Attention(batch, queryKeyValue, heads, bias, dropout, logSumExp, context);
        End();
    }

    /// <inheritdoc/>
    public void AttentionBackward(
        in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context, Tensor contextGradient,
        Tensor queryKeyValueGradient, Tensor biasGradient)
    {
        Begin(OperationCosts.AttentionBackward(
            _squaredLengths[batch.Slot], queryKeyValue, heads, bias, logSumExp, context, contextGradient, queryKeyValueGradient, biasGradient));
        _kernels.AttentionBackward(batch, queryKeyValue, heads, bias, dropout, logSumExp, context, contextGradient, queryKeyValueGradient, biasGradient);
        End();
    }

    /// <inheritdoc/>
    public void RelativeBias(in Parameter table, Tensor bias)
    {
        Begin(OperationCosts.Move(table.Value, bias));
        _kernels.RelativeBias(table, bias);
        End();
    }

    /// <inheritdoc/>
    public void RelativeBiasBackward(in Parameter table, Tensor biasGradient, bool accumulate)
    {
        Begin(OperationCosts.RelativeBiasBackward(table, biasGradient));
        _kernels.RelativeBiasBackward(table, biasGradient, accumulate);
        End();
    }

    /// <inheritdoc/>
    public void Pool(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooled)
    {
        Begin(OperationCosts.Pool(hidden, pooled));
        _kernels.Pool(batch, modes, hidden, pooled);
        End();
    }

    /// <inheritdoc/>
    public void PoolBackward(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooledGradient, Tensor hiddenGradient)
    {
        Begin(OperationCosts.PoolBackward(modes, hidden, pooledGradient, hiddenGradient));
        _kernels.PoolBackward(batch, modes, hidden, pooledGradient, hiddenGradient);
        End();
    }

    /// <inheritdoc/>
    public void Normalize(Tensor input, Tensor length, Tensor output)
    {
        Begin(OperationCosts.Normalize(input, length, output));
        _kernels.Normalize(input, length, output);
        End();
    }

    /// <inheritdoc/>
    public void NormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient)
    {
        Begin(OperationCosts.NormalizeBackward(output, length, outputGradient, inputGradient));
        _kernels.NormalizeBackward(output, length, outputGradient, inputGradient);
        End();
    }

    /// <inheritdoc/>
    public void RankingLoss(Tensor embeddings, int queries, in RankingLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        Begin(OperationCosts.RankingLoss(embeddings, queries, options, embeddingsGradient));
        _kernels.RankingLoss(embeddings, queries, options, weight, loss, embeddingsGradient, accumulate);
        End();
    }

    /// <inheritdoc/>
    public void TruncateNormalize(Tensor input, Tensor length, Tensor output)
    {
        Begin(OperationCosts.TruncateNormalize(length, output));
        _kernels.TruncateNormalize(input, length, output);
        End();
    }

    /// <inheritdoc/>
    public void TruncateNormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient)
    {
        Begin(OperationCosts.NormalizeBackward(output, length, outputGradient, inputGradient));
        _kernels.TruncateNormalizeBackward(output, length, outputGradient, inputGradient, addToInputGradient);
        End();
    }

    /// <inheritdoc/>
    public void SoftmaxLoss(
        Tensor embeddings, Tensor labels, in LinearParameters classifier, PairFeatures features, float weight, Tensor logits, Tensor loss, Tensor embeddingsGradient,
        bool accumulate)
    {
        Begin(OperationCosts.SoftmaxLoss(embeddings, labels, classifier, logits, embeddingsGradient));
        _kernels.SoftmaxLoss(embeddings, labels, classifier, features, weight, logits, loss, embeddingsGradient, accumulate);
        End();
    }

    /// <inheritdoc/>
    public void CosineSimilarityLoss(Tensor embeddings, Tensor labels, in CosineLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        Begin(OperationCosts.PairLoss(embeddings, labels, embeddingsGradient, comparisons: 0));
        _kernels.CosineSimilarityLoss(embeddings, labels, options, weight, loss, embeddingsGradient, accumulate);
        End();
    }

    /// <inheritdoc/>
    public void CosentLoss(Tensor embeddings, Tensor labels, float scale, Similarity similarity, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        Begin(OperationCosts.PairLoss(embeddings, labels, embeddingsGradient, comparisons: labels.Length * labels.Length));
        _kernels.CosentLoss(embeddings, labels, scale, similarity, weight, loss, embeddingsGradient, accumulate);
        End();
    }

    /// <inheritdoc/>
    public void GlobalNorm(Tensor gradients, float maximum, Tensor norm, Tensor clipFactor)
    {
        Begin(OperationCosts.GlobalNorm(gradients));
        _kernels.GlobalNorm(gradients, maximum, norm, clipFactor);
        End();
    }

    /// <inheritdoc/>
    public void Adam(in AdamState state, in AdamOptions options, Tensor rates, Tensor clipFactor)
    {
        Begin(OperationCosts.AdamStep(state));
        _kernels.Adam(state, options, rates, clipFactor);
        End();
    }
}
