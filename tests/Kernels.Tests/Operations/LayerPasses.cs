namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Operands of a linear layer, and where its output and gradients are after a forward and a backward pass.</summary>
internal sealed record LinearPass(Array2 X, Array2 W, Array2? B, Array2 Dy, LinearParameters Linear, Tensor Output, Tensor InputGradient);

/// <summary>The same of a linear layer and its activation; the gradient of the preactivation lies in place of the output's.</summary>
internal sealed record LinearActivationPass(
    Array2 X, Array2 W, Array2? B, Array2 Dy, LinearParameters Linear, Tensor Preactivation, Tensor Output, Tensor PreactivationGradient, Tensor InputGradient);

/// <summary>The same of a linear layer with dropout, residual and layer normalisation. <paramref name="Factors"/> are what dropout multiplies by.</summary>
internal sealed record LinearDropoutAddNormPass(
    Array2 X, Array2 W, Array2 B, Array2 Residual, Array2 Weight, Array2 Bias, Array2 Dy, Array2 Factors, LinearParameters Linear, NormParameters Norm,
    Tensor Normalized, Tensor InverseDeviation, Tensor Output, Tensor InputGradient, Tensor ResidualGradient);

/// <summary>The same of the embedding; its gradients are those of <paramref name="Parameters"/>.</summary>
internal sealed record EmbedNormPass(
    int[] Ids, int[] Positions, Array2 Word, Array2 Position, Array2? TokenType, Array2 Weight, Array2 Bias, Array2 Dy, Array2 Factors, EmbeddingParameters Parameters,
    Tensor Normalized, Tensor Output);

/// <summary>The same of attention; without a bias its gradient is none.</summary>
internal sealed record AttentionPass(
    Array2 Qkv, Array2? Bias, Array2 Dy, double[] Factors, Tensor LogSumExp, Tensor Context, Tensor Gradient, Tensor BiasGradient);

/// <summary>The same of the bias by relative positions.</summary>
internal sealed record RelativeBiasPass(Array2 Table, Array2 Dy, Parameter Parameter, Tensor Bias);

/// <summary>
/// Operations of the network run forward and backward on operands drawn by chance, in the device's type of activations. The tests by finite differences and those of whole results compare
/// what these give.
/// </summary>
internal static class LayerPasses
{
    public const float Epsilon = 1e-5f;

    private const ulong LayerSeed = 0x0123456789abcdef;
    private const ulong AttentionSeed = 0xfedcba9876543210;

    /// <summary>A linear layer. Published weights are used in the form that the implementation makes of them, others as they lie in memory; <paramref name="scale"/> is their deviation.</summary>
    public static LinearPass Linear(Device device, Random random, int rows, int inputs, int outputs, bool hasBias = true, double scale = 1, bool publish = false)
    {
        Array2 x = Array2.Random(rows, inputs, random);
        Array2 w = Array2.Random(outputs, inputs, random, scale);
        Array2? b = hasBias ? Array2.Random(1, outputs, random) : null;
        Array2 dy = Array2.Random(rows, outputs, random);
        LinearParameters linear = Parameters(device, w, b, publish);
        Tensor input = device.Activations(x);
        Tensor output = device.ActivationOutput(rows, outputs);
        Tensor inputGradient = device.ActivationOutput(rows, inputs);

        device.Kernels.Linear(input, linear, output);
        device.Kernels.LinearBackward(input, linear, device.Activations(dy), inputGradient, addToInputGradient: false, accumulate: false);

        return new LinearPass(x, w, b, dy, linear, output, inputGradient);
    }

    public static LinearActivationPass LinearActivation(
        Device device, Random random, Activation activation, int rows, int inputs, int outputs, bool hasBias, double scale, bool publish = false)
    {
        Array2 x = Array2.Random(rows, inputs, random);
        Array2 w = Array2.Random(outputs, inputs, random, scale);
        Array2? b = hasBias ? Array2.Random(1, outputs, random) : null;
        Array2 dy = Array2.Random(rows, outputs, random);
        LinearParameters linear = Parameters(device, w, b, publish);
        Tensor input = device.Activations(x);
        Tensor preactivation = device.ActivationOutput(rows, outputs);
        Tensor output = device.ActivationOutput(rows, outputs);
        Tensor outputGradient = device.Activations(dy);
        Tensor inputGradient = device.ActivationOutput(rows, inputs);

        device.Kernels.LinearActivation(input, linear, activation, preactivation, output);
        device.Kernels.LinearActivationBackward(input, linear, activation, preactivation, outputGradient, inputGradient, addToInputGradient: false, accumulate: false);

        return new LinearActivationPass(x, w, b, dy, linear, preactivation, output, outputGradient, inputGradient);
    }

    public static LinearDropoutAddNormPass LinearDropoutAddNorm(
        Device device, Random random, int rows, int inputs, int width, float probability, double scale = 1, bool publish = false)
    {
        Array2 x = Array2.Random(rows, inputs, random);
        Array2 w = Array2.Random(width, inputs, random, scale);
        Array2 b = Array2.Random(1, width, random);
        Array2 residual = Array2.Random(rows, width, random);
        Array2 weight = Array2.Random(1, width, random);
        Array2 bias = Array2.Random(1, width, random);
        Array2 dy = Array2.Random(rows, width, random);
        LinearParameters linear = Parameters(device, w, b, publish);
        NormParameters norm = new(device.Parameter(weight), device.Parameter(bias), Epsilon);
        Dropout dropout = device.Dropout(probability, 5, LayerSeed, 9);
        Array2 factors = new(rows, width, Reference.DropoutFactors(probability, 5, LayerSeed, 9, rows * width));
        Tensor input = device.Activations(x);
        Tensor normalized = device.ActivationOutput(rows, width);
        Tensor inverseDeviation = device.Output(rows, 1);
        Tensor output = device.ActivationOutput(rows, width);
        Tensor inputGradient = device.ActivationOutput(rows, inputs);
        Tensor residualGradient = device.ActivationOutput(rows, width);

        device.Kernels.LinearDropoutAddNorm(input, linear, dropout, device.Activations(residual), norm, normalized, inverseDeviation, output);
        device.Kernels.LinearDropoutAddNormBackward(
            input, linear, dropout, norm, normalized, inverseDeviation, device.Activations(dy), inputGradient, residualGradient, accumulate: false);

        return new LinearDropoutAddNormPass(
            x, w, b, residual, weight, bias, dy, factors, linear, norm, normalized, inverseDeviation, output, inputGradient, residualGradient);
    }

    /// <summary>The embedding of tokens drawn below <paramref name="vocabulary"/>, with a table of <paramref name="places"/> positions.</summary>
    public static EmbedNormPass EmbedNorm(Device device, Random random, int[] lengths, int hidden, float probability, bool hasTokenType, int vocabulary, int places)
    {
        int tokens = lengths.Sum();
        int[][] sentences = [.. lengths.Select(length => Enumerable.Range(0, length).Select(_ => random.Next(vocabulary)).ToArray())];
        Array2 word = Array2.Random(vocabulary, hidden, random);
        Array2 position = Array2.Random(places, hidden, random);
        Array2? tokenType = hasTokenType ? Array2.Random(2, hidden, random) : null;
        Array2 weight = Array2.Random(1, hidden, random);
        Array2 bias = Array2.Random(1, hidden, random);
        Array2 dy = Array2.Random(tokens, hidden, random);
        EmbeddingParameters parameters = new(
            device.Parameter(word), device.Parameter(position), tokenType is null ? Parameter.None : device.Parameter(tokenType),
            new NormParameters(device.Parameter(weight), device.Parameter(bias), Epsilon));
        Dropout dropout = device.Dropout(probability, 0, LayerSeed, 3);
        Array2 factors = new(tokens, hidden, Reference.DropoutFactors(probability, 0, LayerSeed, 3, tokens * hidden));
        DeviceBatch batch = device.Batch(sentences);
        Tensor normalized = device.ActivationOutput(tokens, hidden);
        Tensor inverseDeviation = device.Output(tokens, 1);
        Tensor output = device.ActivationOutput(tokens, hidden);

        device.Kernels.EmbedNorm(batch, parameters, dropout, normalized, inverseDeviation, output);
        device.Kernels.EmbedNormBackward(batch, parameters, dropout, normalized, inverseDeviation, device.Activations(dy), accumulate: false);

        int[] ids = [.. sentences.SelectMany(static sentence => sentence)];
        int[] positions = [.. lengths.SelectMany(static length => Enumerable.Range(0, length))];
        return new EmbedNormPass(ids, positions, word, position, tokenType, weight, bias, dy, factors, parameters, normalized, output);
    }

    /// <summary>Attention. A bias is wider than the longest sentence.</summary>
    public static AttentionPass Attention(Device device, Random random, int[] lengths, int heads, int headDim, bool hasBias, float probability)
    {
        int tokens = lengths.Sum();
        int hidden = heads * headDim;
        int biasLength = lengths.Max() + 3;
        Array2 qkv = Array2.Random(tokens, 3 * hidden, random);
        Array2? bias = hasBias ? Array2.Random(heads * biasLength, biasLength, random) : null;
        Array2 dy = Array2.Random(tokens, hidden, random);
        double[] factors = Reference.DropoutFactors(probability, 2, AttentionSeed, 4, lengths.Sum(length => heads * length * length));
        Dropout dropout = device.Dropout(probability, 2, AttentionSeed, 4);
        DeviceBatch batch = device.Batch(lengths);
        Tensor input = device.Activations(qkv);
        Tensor biasTensor = bias is null ? Tensor.None : device.Float(bias);
        Tensor biasGradient = bias is null ? Tensor.None : device.Zeros(bias.Rows, bias.Columns);
        Tensor logSumExp = device.Output(tokens, heads);
        Tensor context = device.ActivationOutput(tokens, hidden);
        Tensor gradient = device.ActivationOutput(tokens, 3 * hidden);

        device.Kernels.Attention(batch, input, heads, biasTensor, dropout, logSumExp, context);
        device.Kernels.AttentionBackward(batch, input, heads, biasTensor, dropout, logSumExp, context, device.Activations(dy), gradient, biasGradient);

        return new AttentionPass(qkv, bias, dy, factors, logSumExp, context, gradient, biasGradient);
    }

    public static RelativeBiasPass RelativeBias(Device device, Random random, int length, int heads)
    {
        Array2 table = Array2.Random(RelativePositions.Buckets, heads, random);
        Array2 dy = Array2.Random(heads * length, length, random);
        Parameter parameter = device.Parameter(table);
        Tensor bias = device.Output(heads * length, length);

        device.Kernels.RelativeBias(parameter, bias);
        device.Kernels.RelativeBiasBackward(parameter, device.Float(dy), accumulate: false);

        return new RelativeBiasPass(table, dy, parameter, bias);
    }

    private static LinearParameters Parameters(Device device, Array2 weight, Array2? bias, bool publish)
    {
        return new(Parameter(weight), bias is null ? MnrEngine.Kernels.Parameter.None : Parameter(bias));

        Parameter Parameter(Array2 values) => publish ? device.PublishedParameter(values) : device.Parameter(values);
    }
}
