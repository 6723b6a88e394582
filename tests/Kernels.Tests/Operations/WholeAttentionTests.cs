using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Whole results of attention: sentences of 1 to 512 tokens, 1 to 256 of them, hidden sizes to 1024, with and without bias.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.OfEveryPrecision))]
internal sealed class WholeAttentionTests(KernelTarget target) : WholeResults(target, 22)
{
    private const ulong Seed = 0xfedcba9876543210;

    [TestCase(new[] { 1 }, 12, 64, true, 0.1f)]
    [TestCase(new[] { 1 }, 1, 64, false, 0f)]
    [TestCase(new[] { 2 }, 1, 32, false, 0f)]
    [TestCase(new[] { 5, 1, 13, 3 }, 2, 32, false, 0.1f)]
    [TestCase(new[] { 5, 1, 13, 3 }, 3, 24, true, 0.1f)]
    [TestCase(new[] { 33, 2, 64 }, 2, 64, true, 0.1f)]
    [TestCase(new[] { 31, 32, 65 }, 1, 128, false, 0f)]
    [TestCase(new[] { 31, 1, 65 }, 2, 72, true, 0f)]
    [TestCase(new[] { 512, 1 }, 1, 16, false, 0.1f)]
    [TestCase(new[] { 512, 1, 7 }, 1, 64, true, 0.1f)]
    [TestCase(new[] { 129, 1, 31 }, 12, 32, false, 0.1f)]
    [TestCase(new[] { 17, 1, 40 }, 16, 64, true, 0.1f)]
    [TestCase(new[] { 33, 9 }, 8, 96, false, 0.1f)]
    public void Attention(int[] lengths, int heads, int headDim, bool hasBias, float probability) => CompareAttention(lengths, heads, headDim, hasBias, probability);

    [Test]
    public void ManySentences([Values] bool hasBias) => CompareAttention([.. Enumerable.Range(0, 256).Select(static i => 1 + (i * 7 % 11))], 2, 32, hasBias, 0.1f);

    [Test]
    public void ManySentencesOfAllLengths() => CompareAttention([.. Enumerable.Range(0, 100).Select(static i => 1 + (i * 37 % 50))], 1, 16, hasBias: true, 0.1f);

    /// <summary>Pairs of sentences as long as those of natural language inference, and a few of 512 tokens.</summary>
    [TestCaseSource(nameof(Batches))]
    public void AWholeBatch(int sentences) =>
        CompareAttention([.. Enumerable.Range(0, sentences).Select(static i => i % 1500 == 600 ? 512 : 1 + (i * 37 % 25))], 2, 64, hasBias: false, 0.1f);

    private static IEnumerable<TestCaseData> Batches => Sizes(70, 4096, 100_000);

    private void CompareAttention(int[] lengths, int heads, int headDim, bool hasBias, float probability)
    {
        int tokens = lengths.Sum();
        int hidden = heads * headDim;
        int biasLength = lengths.Max() + 3;
        Array2 qkv = Array2.Random(tokens, 3 * hidden, Random);
        Array2? bias = hasBias ? Array2.Random(heads * biasLength, biasLength, Random) : null;
        Array2 dy = Array2.Random(tokens, hidden, Random);
        double[] factors = Reference.DropoutFactors(probability, 2, Seed, 4, lengths.Sum(length => heads * length * length));
        Dropout dropout = Device.Dropout(probability, 2, Seed, 4);
        DeviceBatch batch = Device.Batch(lengths);
        Tensor input = Device.Activations(qkv);
        Tensor biasTensor = bias is null ? Tensor.None : Device.Float(bias);
        Tensor biasGradient = bias is null ? Tensor.None : Device.Zeros(bias.Rows, bias.Columns);
        Tensor logSumExp = Device.Output(tokens, heads);
        Tensor context = Device.ActivationOutput(tokens, hidden);
        Tensor gradient = Device.ActivationOutput(tokens, 3 * hidden);

        Device.Kernels.Attention(batch, input, heads, biasTensor, dropout, logSumExp, context);
        Device.Kernels.AttentionBackward(batch, input, heads, biasTensor, dropout, logSumExp, context, Device.Activations(dy), gradient, biasGradient);

        List<(string, Tensor, Array2)> results = [("context", context, qkv), ("log sum exp", logSumExp, qkv), ("qkv", gradient, dy)];
        if (hasBias)
        {
            results.Add(("bias", biasGradient, dy));
        }

        Compare(
            round =>
            {
                ReferenceGradients.AttentionResults expected = ReferenceGradients.Attention(lengths, Each(qkv, round), heads, bias, factors, Each(dy, round), round);
                Array2[] layers = [Each(expected.Context, round), expected.LogSumExp, Each(expected.Gradient, round)];
                return expected.BiasGradient is null ? layers : [.. layers, expected.BiasGradient];
            },
            [.. results]);
    }
}
