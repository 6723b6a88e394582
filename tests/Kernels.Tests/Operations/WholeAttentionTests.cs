using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Whole results of attention: sentences of 1 to 512 tokens, 1 to 256 of them, hidden sizes to 1024, with and without bias.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.OfEveryPrecision))]
internal sealed class WholeAttentionTests(KernelTarget target) : WholeResults(target, 22)
{
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
        AttentionPass pass = LayerPasses.Attention(Device, Random, lengths, heads, headDim, hasBias, probability);

        List<(string, Tensor, Array2)> results = [("context", pass.Context, pass.Qkv), ("log sum exp", pass.LogSumExp, pass.Qkv), ("qkv", pass.Gradient, pass.Dy)];
        if (hasBias)
        {
            results.Add(("bias", pass.BiasGradient, pass.Dy));
        }

        Compare(
            round =>
            {
                ReferenceGradients.AttentionResults expected = ReferenceGradients.Attention(
                    lengths, Each(pass.Qkv, round), heads, pass.Bias, pass.Factors, Each(pass.Dy, round), round);
                Array2[] layers = [Each(expected.Context, round), expected.LogSumExp, Each(expected.Gradient, round)];
                return expected.BiasGradient is null ? layers : [.. layers, expected.BiasGradient];
            },
            [.. results]);
    }
}
