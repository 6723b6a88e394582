namespace MnrEngine.Kernels.Tracing;

/// <summary>What each operation of <see cref="IKernels"/> costs; see <see cref="OperationCost"/> for what is counted, and <see cref="IKernels"/> for the formulas.</summary>
internal static class OperationCosts
{
    // Operations an element, counted in the formulas.
    private const int Bias = 1;
    private const int Activation = 6; // x * 0.5 * (1 + erf(x * c)), rounded up for tanh's polynomial
    private const int ActivationBackward = 10; // dy * (cdf + x * c * exp(-x^2 / 2)), with the cdf of the forward pass
    private const int Norm = 8; // mean, variance, (x - mean) * inverseDeviation * weight + bias
    private const int NormBackward = 13; // dw, db, two means, ((dy w - m1) - normalized m2) * inverseDeviation
    private const int Dropout = 1;
    private const int Residual = 1;
    private const int Softmax = 5; // scale, maximum, exp, sum, division
    private const int SoftmaxBackward = 6; // exp of the difference, (dp - dot) * p, scale
    private const int Length = 3; // square, sum, division
    private const int LengthBackward = 5;
    private const int PairSimilarity = 3; // of an element of u or v: half of u v, its own square, and their sums
    private const int PairSimilarityBackward = 4;
    private const int Adam = 16;

    public static OperationCost EmbedNorm(in DeviceBatch batch, in EmbeddingParameters parameters, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        int tables = parameters.TokenType.IsNone ? 2 : 3;
        long rows = 2L * batch.Tokens * output.Columns * sizeof(float);
        return new(
            Bytes(batch.TokenIds, batch.Positions, normalized, inverseDeviation, output) + rows + Bytes(parameters.Norm),
            output.Length * (tables - 1 + Norm + Dropout));
    }

    public static OperationCost EmbedNormBackward(in DeviceBatch batch, in EmbeddingParameters parameters, Tensor normalized, Tensor inverseDeviation, Tensor outputGradient)
    {
        long rows = 2L * batch.Tokens * outputGradient.Columns * sizeof(float);
        return new(
            Bytes(batch.TokenIds, batch.Positions, normalized, inverseDeviation, outputGradient) + rows + (2 * Bytes(parameters.Norm)),
            outputGradient.Length * (NormBackward + Dropout + (parameters.TokenType.IsNone ? 2 : 3)));
    }

    public static OperationCost Linear(Tensor input, in LinearParameters parameters, Tensor output) => new(
        Bytes(input, output) + Weights(input, parameters),
        Product(input.Rows, output.Columns, input.Columns) + (parameters.Bias.IsNone ? 0 : output.Length * Bias));

    public static OperationCost LinearBackward(Tensor input, in LinearParameters parameters, Tensor outputGradient, Tensor inputGradient)
    {
        long product = Product(input.Rows, outputGradient.Columns, input.Columns);
        long gradients = parameters.Weight.Gradient.Bytes + parameters.Bias.Gradient.Bytes;
        return inputGradient.IsNone
            ? new(Bytes(input, outputGradient) + gradients, product + outputGradient.Length)
            : new(Bytes(input, outputGradient, inputGradient) + Weights(input, parameters) + gradients, (2 * product) + outputGradient.Length);
    }

    public static OperationCost LinearActivation(Tensor input, in LinearParameters parameters, Tensor preactivation, Tensor output) =>
        Linear(input, parameters, output) + new OperationCost(preactivation.Bytes, output.Length * Activation);

    public static OperationCost LinearActivationBackward(Tensor input, in LinearParameters parameters, Tensor preactivation, Tensor outputGradient, Tensor inputGradient) =>
        LinearBackward(input, parameters, outputGradient, inputGradient) + new OperationCost(Bytes(preactivation, outputGradient), outputGradient.Length * ActivationBackward);

    public static OperationCost LinearDropoutAddNorm(
        Tensor input, in LinearParameters linear, Tensor residual, in NormParameters norm, Tensor normalized, Tensor inverseDeviation, Tensor output) =>
        Linear(input, linear, output)
        + new OperationCost(Bytes(residual, normalized, inverseDeviation) + Bytes(norm), output.Length * (Dropout + Residual + Norm));

    public static OperationCost LinearDropoutAddNormBackward(
        Tensor input, in LinearParameters linear, in NormParameters norm, Tensor normalized, Tensor inverseDeviation, Tensor outputGradient, Tensor inputGradient, Tensor residualGradient) =>
        LinearBackward(input, linear, outputGradient, inputGradient)
        + new OperationCost(Bytes(normalized, inverseDeviation, residualGradient) + (2 * Bytes(norm)), outputGradient.Length * (NormBackward + Dropout));

    // squaredLengths: the sum of the squares of the lengths of the batch's sentences.
    public static OperationCost Attention(long squaredLengths, Tensor queryKeyValue, int heads, Tensor bias, Tensor logSumExp, Tensor context) => new(
        Bytes(queryKeyValue, bias, logSumExp, context),
        squaredLengths * ((2 * 2L * context.Columns) + ((long)heads * (Softmax + Dropout))));

    // squaredLengths: the sum of the squares of the lengths of the batch's sentences.
    public static OperationCost AttentionBackward(
        long squaredLengths, Tensor queryKeyValue, int heads, Tensor bias, Tensor logSumExp, Tensor context, Tensor contextGradient, Tensor gradient, Tensor biasGradient) => new(
        Bytes(queryKeyValue, bias, logSumExp, context) + Bytes(contextGradient, gradient, biasGradient),
        squaredLengths * ((5 * 2L * context.Columns) + ((long)heads * (SoftmaxBackward + Dropout))));

    public static OperationCost RelativeBiasBackward(in Parameter table, Tensor biasGradient) => new(Bytes(table.Gradient, biasGradient), biasGradient.Length);

    public static OperationCost Pool(Tensor hidden, Tensor pooled) =>
        new(Bytes(hidden, pooled), hidden.Length * (pooled.Columns / hidden.Columns));

    public static OperationCost PoolBackward(PoolingModes modes, Tensor hidden, Tensor pooledGradient, Tensor hiddenGradient) => new(
        ((modes & PoolingModes.Max) == 0 ? 0 : hidden.Bytes) + Bytes(pooledGradient, hiddenGradient),
        hiddenGradient.Length * (pooledGradient.Columns / hiddenGradient.Columns));

    public static OperationCost Normalize(Tensor input, Tensor length, Tensor output) => new(Bytes(input, length, output), input.Length * Length);

    public static OperationCost NormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient) =>
        new(Bytes(output, length, outputGradient, inputGradient), output.Length * LengthBackward);

    public static OperationCost RankingLoss(Tensor embeddings, int queries, in RankingLossOptions options, Tensor embeddingsGradient)
    {
        long documents = embeddings.Rows - queries;
        long columns = documents;
        columns += (options.Directions & RankingDirections.QueryToQuery) == 0 ? 0 : queries;
        columns += (options.Directions & RankingDirections.DocumentToQuery) == 0 ? 0 : queries;
        columns += (options.Directions & RankingDirections.DocumentToDocument) == 0 ? 0 : documents;
        bool backward = !embeddingsGradient.IsNone;
        bool cosine = options.Similarity == Similarity.Cosine;
        return new(
            Bytes(embeddings, embeddingsGradient),
            ((backward ? 3 : 1) * Product(queries, columns, embeddings.Columns))
            + (queries * columns * (backward ? Softmax + SoftmaxBackward : Softmax))
            + (cosine ? embeddings.Length * (backward ? Length + LengthBackward : Length) : 0));
    }

    public static OperationCost TruncateNormalize(Tensor length, Tensor output) => new((2 * output.Bytes) + length.Bytes, output.Length * Length);

    public static OperationCost SoftmaxLoss(Tensor embeddings, Tensor labels, in LinearParameters classifier, Tensor logits, Tensor embeddingsGradient)
    {
        bool backward = !embeddingsGradient.IsNone;
        long product = Product(logits.Rows, logits.Columns, classifier.Weight.Value.Columns);
        long parameters = Bytes(classifier.Weight.Value, classifier.Bias.Value);
        return new(
            Bytes(embeddings, labels, embeddingsGradient) + (backward ? 2 * parameters : parameters),
            ((backward ? 3 : 1) * product) + (logits.Length * (backward ? Softmax + SoftmaxBackward : Softmax)));
    }

    /// <summary>A loss over the similarities of pairs.</summary>
    public static OperationCost PairLoss(Tensor embeddings, Tensor labels, Tensor embeddingsGradient, long comparisons) => new(
        Bytes(embeddings, labels, embeddingsGradient),
        (embeddings.Length * (embeddingsGradient.IsNone ? PairSimilarity : PairSimilarity + PairSimilarityBackward)) + (comparisons * Softmax));

    public static OperationCost GlobalNorm(Tensor gradients) => new(gradients.Bytes, 2 * gradients.Length);

    public static OperationCost AdamStep(in AdamState state) => new(
        (2 * Bytes(state.Weights, state.FirstMoments, state.SecondMoments)) + Bytes(state.Gradients, state.BlockDecay), state.Weights.Length * Adam);

    /// <summary>Something that only moves these operands.</summary>
    public static OperationCost Move(Tensor first, Tensor second = default, Tensor third = default) => new(Bytes(first, second, third), 0);

    private static long Product(long rows, long columns, long inner) => 2 * rows * columns * inner;

    // An implementation keeps weights in the type that it multiplies with.
    private static long Weights(Tensor input, in LinearParameters parameters) =>
        (parameters.Weight.Value.Length * input.Type.Bytes()) + parameters.Bias.Value.Bytes;

    private static long Bytes(in NormParameters norm) => norm.Weight.Value.Bytes + norm.Bias.Value.Bytes;

    private static long Bytes(Tensor first, Tensor second = default, Tensor third = default, Tensor fourth = default, Tensor fifth = default) =>
        first.Bytes + second.Bytes + third.Bytes + fourth.Bytes + fifth.Bytes;
}
