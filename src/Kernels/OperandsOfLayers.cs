using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels;

/// <summary>The operands of the network's layers.</summary>
internal sealed partial class Operands
{
    public void EmbedNorm(in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        Batch(batch);
        int hidden = parameters.Word.Value.Columns;
        Tables(parameters, hidden, backward: false);
        State(dropout);
        Matrix(output, activation, batch.TokenRows, hidden);
        MatrixOrNone(normalized, activation, batch.TokenRows, hidden);
        MatrixOrNone(inverseDeviation, Float, batch.TokenRows, 1);
        Apart(output, normalized);
    }

    public void EmbedNormBackward(in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor outputGradient)
    {
        Batch(batch);
        int hidden = parameters.Word.Value.Columns;
        Tables(parameters, hidden, backward: true);
        State(dropout);
        Matrix(normalized, activation, batch.TokenRows, hidden);
        Matrix(inverseDeviation, Float, batch.TokenRows, 1);
        Matrix(outputGradient, activation, batch.TokenRows, hidden);
        Apart(outputGradient, normalized);
    }

    public void Linear(Tensor input, in LinearParameters parameters, Tensor output)
    {
        ElementType type = LayerType(input);
        Weights(input, type, parameters, output.Columns, backward: false);
        Matrix(output, type, input.Rows, output.Columns);
        Apart(output, input);
    }

    public void LinearBackward(Tensor input, in LinearParameters parameters, Tensor outputGradient, Tensor inputGradient)
    {
        ElementType type = LayerType(input);
        Weights(input, type, parameters, outputGradient.Columns, backward: true);
        Matrix(outputGradient, type, input.Rows, outputGradient.Columns);
        MatrixOrNone(inputGradient, type, input.Rows, input.Columns);
        Apart(inputGradient, input);
        Apart(inputGradient, outputGradient);
    }

    public void LinearActivation(Tensor input, in LinearParameters parameters, Activation function, Tensor preactivation, Tensor output)
    {
        ElementType type = LayerType(input);
        Weights(input, type, parameters, output.Columns, backward: false);
        Function(function);
        MatrixOrNone(preactivation, type, input.Rows, output.Columns);
        Matrix(output, type, input.Rows, output.Columns);
        Apart(output, input);
        Apart(preactivation, input);
        Apart(preactivation, output);
    }

    public void LinearActivationBackward(
        Tensor input, in LinearParameters parameters, Activation function, Tensor preactivation, Tensor outputGradient, Tensor inputGradient)
    {
        ElementType type = LayerType(input);
        Weights(input, type, parameters, outputGradient.Columns, backward: true);
        Function(function);
        Matrix(preactivation, type, input.Rows, outputGradient.Columns);
        Matrix(outputGradient, type, input.Rows, outputGradient.Columns);
        MatrixOrNone(inputGradient, type, input.Rows, input.Columns);
        Apart(outputGradient, preactivation);
        Apart(outputGradient, input);
        Apart(inputGradient, input);
        Apart(inputGradient, outputGradient);
    }

    public void LinearDropoutAddNorm(
        Tensor input, in LinearParameters linear, in Dropout dropout, Tensor residual, in NormParameters norm, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        Weights(input, activation, linear, output.Columns, backward: false);
        State(dropout);
        Norm(norm, output.Columns, backward: false);
        Matrix(output, activation, input.Rows, output.Columns);
        Matrix(residual, activation, input.Rows, output.Columns);
        MatrixOrNone(normalized, activation, input.Rows, output.Columns);
        MatrixOrNone(inverseDeviation, Float, input.Rows, 1);
        Apart(output, input);
        Apart(output, residual);
        Apart(output, normalized);
        Apart(normalized, input);
        Apart(normalized, residual);
    }

    public void LinearDropoutAddNormBackward(
        Tensor input, in LinearParameters linear, in Dropout dropout, in NormParameters norm, Tensor normalized, Tensor inverseDeviation,
        Tensor outputGradient, Tensor inputGradient, Tensor residualGradient)
    {
        Weights(input, activation, linear, outputGradient.Columns, backward: true);
        State(dropout);
        Norm(norm, outputGradient.Columns, backward: true);
        Matrix(normalized, activation, input.Rows, outputGradient.Columns);
        Matrix(inverseDeviation, Float, input.Rows, 1);
        Matrix(outputGradient, activation, input.Rows, outputGradient.Columns);
        Matrix(inputGradient, activation, input.Rows, input.Columns);
        Matrix(residualGradient, activation, input.Rows, outputGradient.Columns);
        Apart(inputGradient, input);
        Apart(inputGradient, outputGradient);
        Apart(inputGradient, residualGradient);
        Apart(residualGradient, input);
        Apart(residualGradient, normalized);
        ApartOrSame(residualGradient, outputGradient);
    }

    public void Attention(in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context)
    {
        Batch(batch);
        Heads(context, heads);
        State(dropout);
        Matrix(context, activation, batch.TokenRows, context.Columns);
        Matrix(queryKeyValue, activation, batch.TokenRows, 3 * context.Columns);
        Bias(bias, heads, batch.LongestSentence);
        MatrixOrNone(logSumExp, Float, batch.TokenRows, heads);
        Apart(context, queryKeyValue);
    }

    public void AttentionBackward(
        in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context, Tensor contextGradient,
        Tensor queryKeyValueGradient, Tensor biasGradient)
    {
        Batch(batch);
        Heads(context, heads);
        State(dropout);
        Matrix(context, activation, batch.TokenRows, context.Columns);
        Matrix(queryKeyValue, activation, batch.TokenRows, 3 * context.Columns);
        Bias(bias, heads, batch.LongestSentence);
        Matrix(logSumExp, Float, batch.TokenRows, heads);
        Matrix(contextGradient, activation, batch.TokenRows, context.Columns);
        Matrix(queryKeyValueGradient, activation, batch.TokenRows, 3 * context.Columns);
        MatrixOrNone(biasGradient, Float, bias.Rows, bias.Columns);
        Apart(queryKeyValueGradient, queryKeyValue);
        Apart(queryKeyValueGradient, context);
        Apart(queryKeyValueGradient, contextGradient);
        Apart(biasGradient, bias);
    }

    public void RelativeBias(in Parameter table, Tensor bias)
    {
        Parameter(table, RelativePositions.Buckets, table.Value.Columns, backward: false, nameof(RelativeBias));
        Matrix(bias, Float, table.Value.Columns * bias.Columns, bias.Columns);
        Apart(bias, table.Value);
    }

    public void RelativeBiasBackward(in Parameter table, Tensor biasGradient)
    {
        Parameter(table, RelativePositions.Buckets, table.Value.Columns, backward: true, nameof(RelativeBiasBackward));
        Matrix(biasGradient, Float, table.Value.Columns * biasGradient.Columns, biasGradient.Columns);
        Apart(table.Gradient, biasGradient);
    }

    public void Pool(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooled)
    {
        Batch(batch);
        Matrix(hidden, activation, batch.TokenRows, hidden.Columns);
        Matrix(pooled, Float, batch.Sentences, hidden.Columns * Count(modes));
        Apart(pooled, hidden);
    }

    public void PoolBackward(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooledGradient, Tensor hiddenGradient)
    {
        Batch(batch);
        Matrix(hidden, activation, batch.TokenRows, hidden.Columns);
        Matrix(pooledGradient, Float, batch.Sentences, hidden.Columns * Count(modes));
        Matrix(hiddenGradient, activation, batch.TokenRows, hidden.Columns);
        Apart(hiddenGradient, hidden);
        Apart(hiddenGradient, pooledGradient);
    }

    private void Batch(in DeviceBatch batch, [CallerMemberName] string operation = "")
    {
        Matrix(batch.TokenIds, ElementType.Int32, 1, batch.Tokens, operation);
        Matrix(batch.Positions, ElementType.Int32, 1, batch.Tokens, operation);
        Matrix(batch.Offsets, ElementType.Int32, 1, batch.Sentences + 1, operation);
    }

    private void State(in Dropout dropout, [CallerMemberName] string operation = "")
    {
        if (!(dropout.Probability >= 0 && dropout.Probability < 1))
        {
            throw Unusable("dropout probability", dropout.Probability, "a number in [0, 1)", operation);
        }

        if (dropout.IsActive)
        {
            Matrix(dropout.State, ElementType.Int32, 1, 4, operation);
        }
    }

    /// <summary>The type of a linear layer's operands: activations', or Float32 where the layer stands behind the pooling.</summary>
    private ElementType LayerType(Tensor input) => input.Type == Float ? Float : activation;

    private void Weights(Tensor input, ElementType type, in LinearParameters linear, int outputs, bool backward, [CallerMemberName] string operation = "")
    {
        Matrix(input, type, input.Rows, input.Columns, operation);
        Parameter(linear.Weight, outputs, input.Columns, backward, operation);
        if (!linear.Bias.IsNone)
        {
            Parameter(linear.Bias, 1, outputs, backward, operation);
        }
    }

    private void Norm(in NormParameters norm, int columns, bool backward, [CallerMemberName] string operation = "")
    {
        Parameter(norm.Weight, 1, columns, backward, operation);
        Parameter(norm.Bias, 1, columns, backward, operation);
        if (!(norm.Epsilon >= 0))
        {
            throw Unusable("norm.Epsilon", norm.Epsilon, "a number of at least 0", operation);
        }
    }

    private void Tables(in EmbeddingParameters parameters, int hidden, bool backward, [CallerMemberName] string operation = "")
    {
        Parameter(parameters.Word, parameters.Word.Value.Rows, hidden, backward, operation);
        Parameter(parameters.Position, parameters.Position.Value.Rows, hidden, backward, operation);
        if (!parameters.TokenType.IsNone)
        {
            Parameter(parameters.TokenType, parameters.TokenType.Value.Rows, hidden, backward, operation);
        }

        Norm(parameters.Norm, hidden, backward, operation);
    }

    private void Parameter(
        in Parameter parameter, int rows, int columns, bool backward, string operation, [CallerArgumentExpression(nameof(parameter))] string operand = "")
    {
        Matrix(parameter.Value, Float, rows, columns, operation, operand);
        if (backward && (parameter.Gradient.Rows != rows || parameter.Gradient.Columns != columns || parameter.Gradient.Type != Float))
        {
            throw new ArgumentException($"{operation}: the gradient of operand '{operand}' is {parameter.Gradient}, expected {rows} x {columns} {Float}", operand);
        }

        if (backward)
        {
            Any(parameter.Gradient, operation, operand);
        }
    }

    private void Bias(Tensor bias, int heads, int longestSentence, [CallerMemberName] string operation = "")
    {
        if (!bias.IsNone)
        {
            int length = bias.Columns;
            Matrix(bias, Float, heads * length, length, operation);
            if (length < longestSentence)
            {
                throw Wrong(bias, $"a width of at least the longest sentence's {longestSentence} tokens", operation);
            }
        }
    }

    private static void Heads(Tensor context, int heads, [CallerMemberName] string operation = "")
    {
        if (heads < 1 || context.Columns % heads != 0)
        {
            throw Wrong(context, $"a width that {heads} heads divide", operation);
        }
    }

    private static void Function(Activation function, [CallerMemberName] string operation = "")
    {
        if (!Enum.IsDefined(function))
        {
            throw Unusable("activation", function, "one of the functions", operation);
        }
    }

    private static int Count(PoolingModes modes, [CallerMemberName] string operation = "")
    {
        const PoolingModes Every =
            PoolingModes.Cls | PoolingModes.Max | PoolingModes.Mean | PoolingModes.MeanSqrtLength | PoolingModes.WeightedMean | PoolingModes.LastToken;
        if (modes == PoolingModes.None || (modes & ~Every) != 0)
        {
            throw Unusable("modes", modes, "one or more of the pooling modes", operation);
        }

        return int.PopCount((int)modes);
    }
}
