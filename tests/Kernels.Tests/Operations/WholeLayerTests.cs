using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Whole results of the network's layers: widths of 64 to 1024 and of a feed-forward layer, odd numbers of rows.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.OfEveryPrecision))]
internal sealed class WholeLayerTests(KernelTarget target) : WholeResults(target, 21)
{
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
        (Array2 x, Array2 w, Array2? b, Array2 dy, LinearParameters linear, Tensor output, Tensor inputGradient) =
            LayerPasses.Linear(Device, Random, rows, inputs, outputs, scale: 0.1, publish: true);

        Compare(
            round =>
            {
                Array2 xr = Each(x, round), wr = Each(w, round), dyr = Each(dy, round);
                return
                [
                    Each(Reference.Linear(xr, wr, Each(b!, round)), round), Each(ReferenceGradients.Product(dyr, wr), round),
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
        LinearDropoutAddNormPass pass = LayerPasses.LinearDropoutAddNorm(Device, Random, rows, inputs, width, probability, scale: 0.1, publish: true);
        (Array2 x, Array2 w, Array2 b, Array2 residual, Array2 dy, Array2 factors) = (pass.X, pass.W, pass.B, pass.Residual, pass.Dy, pass.Factors);

        // The deviation of one row is one number, whose error in bf16 is a matter of luck; what it makes, the normalized row and all gradients, is compared in either precision.
        if (!IsHalf)
        {
            Compare(
                _ => [ReferenceGradients.Normalize(Reference.Add(Reference.Multiply(Reference.Linear(x, w, b), factors), residual), LayerPasses.Epsilon).InverseDeviation],
                ("inverse deviation", pass.InverseDeviation, Array2.Filled(1, 1, 1)));
        }

        Compare(
            round =>
            {
                Array2 xr = Each(x, round), wr = Each(w, round), dyr = Each(dy, round);
                Array2 sum = Reference.Add(Reference.Multiply(Reference.Linear(xr, wr, b), factors), Each(residual, round));
                (Array2 n, Array2 inverse) = ReferenceGradients.Normalize(sum, LayerPasses.Epsilon);
                Array2 y = Each(Reference.LayerNorm(sum, pass.Weight, pass.Bias, LayerPasses.Epsilon), round);
                n = Each(n, round);
                Array2 dx = ReferenceGradients.LayerNorm(n, inverse, pass.Weight, dyr);
                Array2 dLinear = Reference.Multiply(dx, factors);
                (Array2 dWeight, Array2 dBias) = ReferenceGradients.NormParameters(n, dyr);
                return
                [
                    y, n, Each(dx, round), Each(ReferenceGradients.Product(dLinear, wr), round), dWeight, dBias,
                    ReferenceGradients.Product(ReferenceGradients.Transposed(dLinear), xr), ReferenceGradients.ColumnSums(dLinear),
                ];
            },
            ("y", pass.Output, x), ("normalized", pass.Normalized, x), ("residual", pass.ResidualGradient, dy), ("dx", pass.InputGradient, dy), ("norm weight", pass.Norm.Weight.Gradient, dy),
            ("norm bias", pass.Norm.Bias.Gradient, dy), ("dW", pass.Linear.Weight.Gradient, dy), ("db", pass.Linear.Bias.Gradient, dy));
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
        (Array2 x, Array2 w, Array2? b, Array2 dy, LinearParameters linear, Tensor preactivation, Tensor output, Tensor preactivationGradient, Tensor inputGradient) =
            LayerPasses.LinearActivation(Device, Random, activation, rows, inputs, outputs, hasBias: true, scale: 1.6 / Math.Sqrt(inputs), publish: true);

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
            ("z", preactivation, x), ("y", output, x), ("dz", preactivationGradient, dy), ("dx", inputGradient, dy), ("dW", linear.Weight.Gradient, dy), ("db", linear.Bias.Gradient, dy));
    }

    private void CompareEmbedNorm(int[] lengths, int hidden, float probability, bool hasTokenType)
    {
        EmbedNormPass pass = LayerPasses.EmbedNorm(Device, Random, lengths, hidden, probability, hasTokenType, vocabulary: 100, places: lengths.Max() + 2);
        (EmbeddingParameters parameters, Array2 word, Array2 dy, Array2 factors) = (pass.Parameters, pass.Word, pass.Dy, pass.Factors);

        List<(string, Tensor, Array2)> results =
        [
            ("y", pass.Output, word), ("normalized", pass.Normalized, word), ("word", parameters.Word.Gradient, dy), ("position", parameters.Position.Gradient, dy),
            ("norm weight", parameters.Norm.Weight.Gradient, dy), ("norm bias", parameters.Norm.Bias.Gradient, dy),
        ];
        if (hasTokenType)
        {
            results.Add(("token type", parameters.TokenType.Gradient, dy));
        }

        Compare(
            round =>
            {
                Array2 sum = Reference.Embed(pass.Ids, pass.Positions, word, pass.Position, pass.TokenType);
                (Array2 n, Array2 inverse) = ReferenceGradients.Normalize(sum, LayerPasses.Epsilon);
                Array2 y = Each(Reference.Multiply(Reference.LayerNorm(sum, pass.Weight, pass.Bias, LayerPasses.Epsilon), factors), round);
                n = Each(n, round);
                Array2 passed = Reference.Multiply(Each(dy, round), factors);
                Array2 dx = ReferenceGradients.LayerNorm(n, inverse, pass.Weight, passed);
                (Array2 dWeight, Array2 dBias) = ReferenceGradients.NormParameters(n, passed);
                List<Array2> expected = [y, n, ReferenceGradients.Gathered(dx, pass.Ids, word.Rows), ReferenceGradients.Gathered(dx, pass.Positions, pass.Position.Rows), dWeight, dBias];
                if (hasTokenType)
                {
                    expected.Add(ReferenceGradients.Gathered(dx, new int[dx.Rows], 2));
                }

                return [.. expected];
            },
            [.. results]);
    }
}
