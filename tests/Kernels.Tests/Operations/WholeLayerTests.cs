using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Whole results of the network's layers: widths of 64 to 1024 and of a feed-forward layer, odd numbers of rows.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.OfEveryPrecision))]
internal sealed class WholeLayerTests(KernelTarget target) : WholeResults(target, 21)
{
    private const ulong Seed = 0x0123456789abcdef;
    private const float Epsilon = 1e-5f;

    [TestCase(1, 64, 64)]
    [TestCase(13, 64, 192)]
    [TestCase(77, 256, 72)]
    [TestCase(50, 1024, 16)]
    [TestCase(511, 1024, 64)]
    [TestCase(255, 384, 768)]
    [TestCase(1, 768, 2304)]
    [TestCase(33, 512, 1024)]
    [TestCase(129, 64, 1)]
    [TestCase(511, 1, 3)]
    public void Linear(int rows, int inputs, int outputs)
    {
        Array2 x = Array2.Random(rows, inputs, Random);
        Array2 w = Array2.Random(outputs, inputs, Random, 0.1);
        Array2 b = Array2.Random(1, outputs, Random);
        Array2 dy = Array2.Random(rows, outputs, Random);
        LinearParameters linear = Parameters(w, b);
        Tensor input = Device.Activations(x);
        Tensor output = Device.ActivationOutput(rows, outputs);
        Tensor inputGradient = Device.ActivationOutput(rows, inputs);

        Device.Kernels.Linear(input, linear, output);
        Device.Kernels.LinearBackward(input, linear, Device.Activations(dy), inputGradient, addToInputGradient: false, accumulate: false);

        Compare(
            round =>
            {
                Array2 xr = Each(x, round), wr = Each(w, round), dyr = Each(dy, round);
                return
                [
                    Each(Reference.Linear(xr, wr, Each(b, round)), round), Each(ReferenceGradients.Product(dyr, wr), round),
                    ReferenceGradients.Product(ReferenceGradients.Transposed(dyr), xr), ReferenceGradients.ColumnSums(dyr),
                ];
            },
            ("y", output, x), ("dx", inputGradient, dy), ("dW", linear.Weight.Gradient, dy), ("db", linear.Bias.Gradient, dy));
    }

    [Test]
    public void LinearActivation([Values] Activation activation, [Values(1, 37)] int rows, [Values(64, 72)] int outputs) => CompareLinearActivation(activation, rows, 64, outputs);

    [TestCase(Activation.Gelu, 255, 384, 1536)]
    [TestCase(Activation.GeluTanh, 129, 256, 1024)]
    [TestCase(Activation.Gelu, 7, 1024, 2048)]
    [TestCase(Activation.Gelu, 511, 64, 256)]
    public void LinearActivationOfALayersSize(Activation activation, int rows, int inputs, int outputs) => CompareLinearActivation(activation, rows, inputs, outputs);

    [TestCase(1, 64, 64, 0f)]
    [TestCase(29, 64, 128, 0.1f)]
    [TestCase(70, 128, 1024, 0.1f)]
    [TestCase(19, 72, 72, 0.5f)]
    [TestCase(511, 384, 384, 0.1f)]
    [TestCase(65, 1536, 256, 0.1f)]
    [TestCase(1, 3072, 768, 0.1f)]
    [TestCase(127, 512, 512, 0f)]
    public void LinearDropoutAddNorm(int rows, int inputs, int width, float probability)
    {
        Array2 x = Array2.Random(rows, inputs, Random);
        Array2 w = Array2.Random(width, inputs, Random, 0.1);
        Array2 b = Array2.Random(1, width, Random);
        Array2 residual = Array2.Random(rows, width, Random);
        Array2 weight = Array2.Random(1, width, Random);
        Array2 bias = Array2.Random(1, width, Random);
        Array2 dy = Array2.Random(rows, width, Random);
        LinearParameters linear = Parameters(w, b);
        NormParameters norm = new(Device.Parameter(weight), Device.Parameter(bias), Epsilon);
        Dropout dropout = Device.Dropout(probability, 5, Seed, 9);
        Array2 factors = new(rows, width, Reference.DropoutFactors(probability, 5, Seed, 9, rows * width));
        Tensor input = Device.Activations(x);
        Tensor normalized = Device.ActivationOutput(rows, width);
        Tensor inverseDeviation = Device.Output(rows, 1);
        Tensor output = Device.ActivationOutput(rows, width);
        Tensor inputGradient = Device.ActivationOutput(rows, inputs);
        Tensor residualGradient = Device.ActivationOutput(rows, width);

        Device.Kernels.LinearDropoutAddNorm(input, linear, dropout, Device.Activations(residual), norm, normalized, inverseDeviation, output);
        Device.Kernels.LinearDropoutAddNormBackward(
            input, linear, dropout, norm, normalized, inverseDeviation, Device.Activations(dy), inputGradient, residualGradient, accumulate: false);

        // The deviation of one row is one number, whose error in bf16 is a matter of luck; what it makes, the normalized row and all gradients, is compared in either precision.
        if (!IsHalf)
        {
            Compare(
                _ => [ReferenceGradients.Normalize(Reference.Add(Reference.Multiply(Reference.Linear(x, w, b), factors), residual), Epsilon).InverseDeviation],
                ("inverse deviation", inverseDeviation, Array2.Filled(1, 1, 1)));
        }

        Compare(
            round =>
            {
                Array2 xr = Each(x, round), wr = Each(w, round), dyr = Each(dy, round);
                Array2 sum = Reference.Add(Reference.Multiply(Reference.Linear(xr, wr, b), factors), Each(residual, round));
                (Array2 n, Array2 inverse) = ReferenceGradients.Normalize(sum, Epsilon);
                Array2 y = Each(Reference.LayerNorm(sum, weight, bias, Epsilon), round);
                n = Each(n, round);
                Array2 dx = ReferenceGradients.LayerNorm(n, inverse, weight, dyr);
                Array2 dLinear = Reference.Multiply(dx, factors);
                (Array2 dWeight, Array2 dBias) = ReferenceGradients.NormParameters(n, dyr);
                return
                [
                    y, n, Each(dx, round), Each(ReferenceGradients.Product(dLinear, wr), round), dWeight, dBias,
                    ReferenceGradients.Product(ReferenceGradients.Transposed(dLinear), xr), ReferenceGradients.ColumnSums(dLinear),
                ];
            },
            ("y", output, x), ("normalized", normalized, x), ("residual", residualGradient, dy), ("dx", inputGradient, dy),
            ("norm weight", norm.Weight.Gradient, dy), ("norm bias", norm.Bias.Gradient, dy), ("dW", linear.Weight.Gradient, dy), ("db", linear.Bias.Gradient, dy));
    }

    [TestCase(new[] { 1 }, 64, 0f, true)]
    [TestCase(new[] { 5, 1, 12, 3 }, 72, 0.1f, false)]
    [TestCase(new[] { 512, 1 }, 384, 0.1f, true)]
    [TestCase(new[] { 31, 1, 9 }, 1024, 0.1f, true)]
    [TestCase(new[] { 7 }, 768, 0f, false)]
    public void EmbedNorm(int[] lengths, int hidden, float probability, bool hasTokenType) => CompareEmbedNorm(lengths, hidden, probability, hasTokenType);

    [Test]
    public void EmbedNormOfManySentences() => CompareEmbedNorm([.. Enumerable.Range(0, 256).Select(static i => 1 + (i * 7 % 11))], 128, 0.1f, hasTokenType: true);

    [TestCaseSource(nameof(Batches))]
    public void EmbedNormOfAWholeBatch(int sentences) => CompareEmbedNorm([.. Enumerable.Range(0, sentences).Select(static i => 1 + (i * 37 % 25))], 128, 0.1f, hasTokenType: true);

    private static IEnumerable<TestCaseData> Batches => Sizes(70, 4096, 60_000);

    private void CompareLinearActivation(Activation activation, int rows, int inputs, int outputs)
    {
        Array2 x = Array2.Random(rows, inputs, Random);
        Array2 w = Array2.Random(outputs, inputs, Random, 1.6 / Math.Sqrt(inputs));
        Array2 b = Array2.Random(1, outputs, Random);
        Array2 dy = Array2.Random(rows, outputs, Random);
        LinearParameters linear = Parameters(w, b);
        Tensor input = Device.Activations(x);
        Tensor preactivation = Device.ActivationOutput(rows, outputs);
        Tensor output = Device.ActivationOutput(rows, outputs);
        Tensor outputGradient = Device.Activations(dy);
        Tensor inputGradient = Device.ActivationOutput(rows, inputs);

        Device.Kernels.LinearActivation(input, linear, activation, preactivation, output);
        Device.Kernels.LinearActivationBackward(input, linear, activation, preactivation, outputGradient, inputGradient, addToInputGradient: false, accumulate: false);

        Compare(
            round =>
            {
                Array2 xr = Each(x, round), wr = Each(w, round), dyr = Each(dy, round);
                Array2 z = Reference.Linear(xr, wr, b);
                Array2 saved = Each(z, round);
                Array2 dz = ReferenceGradients.Activation(saved, dyr, activation);
                return
                [
                    saved, Each(Reference.Activate(z, activation), round), Each(dz, round), Each(ReferenceGradients.Product(dz, wr), round),
                    ReferenceGradients.Product(ReferenceGradients.Transposed(dz), xr), ReferenceGradients.ColumnSums(dz),
                ];
            },
            ("z", preactivation, x), ("y", output, x), ("dz", outputGradient, dy), ("dx", inputGradient, dy), ("dW", linear.Weight.Gradient, dy), ("db", linear.Bias.Gradient, dy));
    }

    private void CompareEmbedNorm(int[] lengths, int hidden, float probability, bool hasTokenType)
    {
        const int Vocabulary = 100;
        int tokens = lengths.Sum();
        int places = lengths.Max() + 2;
        int[][] sentences = [.. lengths.Select(length => Enumerable.Range(0, length).Select(_ => Random.Next(Vocabulary)).ToArray())];
        int[] ids = [.. sentences.SelectMany(static sentence => sentence)];
        int[] positions = [.. lengths.SelectMany(static length => Enumerable.Range(0, length))];
        Array2 word = Array2.Random(Vocabulary, hidden, Random);
        Array2 position = Array2.Random(places, hidden, Random);
        Array2? tokenType = hasTokenType ? Array2.Random(2, hidden, Random) : null;
        Array2 weight = Array2.Random(1, hidden, Random);
        Array2 bias = Array2.Random(1, hidden, Random);
        Array2 dy = Array2.Random(tokens, hidden, Random);
        EmbeddingParameters parameters = new(
            Device.Parameter(word), Device.Parameter(position), tokenType is null ? Parameter.None : Device.Parameter(tokenType),
            new NormParameters(Device.Parameter(weight), Device.Parameter(bias), Epsilon));
        Dropout dropout = Device.Dropout(probability, 0, Seed, 3);
        Array2 factors = new(tokens, hidden, Reference.DropoutFactors(probability, 0, Seed, 3, tokens * hidden));
        DeviceBatch batch = Device.Batch(sentences);
        Tensor normalized = Device.ActivationOutput(tokens, hidden);
        Tensor inverseDeviation = Device.Output(tokens, 1);
        Tensor output = Device.ActivationOutput(tokens, hidden);

        Device.Kernels.EmbedNorm(batch, parameters, dropout, normalized, inverseDeviation, output);
        Device.Kernels.EmbedNormBackward(batch, parameters, dropout, normalized, inverseDeviation, Device.Activations(dy), accumulate: false);

        List<(string, Tensor, Array2)> results =
        [
            ("y", output, word), ("normalized", normalized, word), ("word", parameters.Word.Gradient, dy), ("position", parameters.Position.Gradient, dy),
            ("norm weight", parameters.Norm.Weight.Gradient, dy), ("norm bias", parameters.Norm.Bias.Gradient, dy),
        ];
        if (hasTokenType)
        {
            results.Add(("token type", parameters.TokenType.Gradient, dy));
        }

        Compare(
            round =>
            {
                Array2 sum = Reference.Embed(ids, positions, word, position, tokenType);
                (Array2 n, Array2 inverse) = ReferenceGradients.Normalize(sum, Epsilon);
                Array2 y = Each(Reference.Multiply(Reference.LayerNorm(sum, weight, bias, Epsilon), factors), round);
                n = Each(n, round);
                Array2 passed = Reference.Multiply(Each(dy, round), factors);
                Array2 dx = ReferenceGradients.LayerNorm(n, inverse, weight, passed);
                (Array2 dWeight, Array2 dBias) = ReferenceGradients.NormParameters(n, passed);
                List<Array2> expected = [y, n, ReferenceGradients.Gathered(dx, ids, Vocabulary), ReferenceGradients.Gathered(dx, positions, places), dWeight, dBias];
                if (hasTokenType)
                {
                    expected.Add(ReferenceGradients.Gathered(dx, new int[tokens], 2));
                }

                return [.. expected];
            },
            [.. results]);
    }

    private LinearParameters Parameters(Array2 weight, Array2 bias) => new(Device.PublishedParameter(weight), Device.PublishedParameter(bias));
}
