using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Attention against the reference and its finite differences.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.WithLargeGpu))]
internal sealed class AttentionTests(KernelTarget target) : OperationTests(target, 13)
{
    [TestCase(new[] { 1 }, 1, 8, false, 0f)]
    [TestCase(new[] { 1 }, 1, 1, true, 0.5f)]
    [TestCase(new[] { 5, 1, 13, 3 }, 2, 32, false, 0f)]
    [TestCase(new[] { 5, 1, 13, 3 }, 2, 32, false, 0.1f)]
    [TestCase(new[] { 5, 1, 13, 3 }, 3, 20, true, 0.1f)]
    [TestCase(new[] { 16, 17, 8, 9, 15 }, 2, 16, true, 0f)]
    [TestCase(new[] { 33, 2, 64 }, 2, 7, true, 0.3f)]
    [TestCase(new[] { 31, 32, 65 }, 1, 70, false, 0.1f)]
    [TestCase(new[] { 512 }, 1, 4, false, 0.1f)]
    [TestCase(new[] { 200, 1 }, 1, 12, true, 0f)]
    [TestCase(new[] { 5, 1, 13, 3 }, 3, 24, true, 0.1f)]
    [TestCase(new[] { 33, 2, 64 }, 2, 8, true, 0.3f)]
    [TestCase(new[] { 31, 32, 65, 1 }, 1, 72, false, 0.1f)]
    [TestCase(new[] { 7, 50 }, 1, 128, true, 0.1f)]
    [TestCase(new[] { 512, 1 }, 1, 16, false, 0.1f)]
    public void Attention(int[] lengths, int heads, int headDim, bool hasBias, float probability)
    {
        int tokens = lengths.Sum();
        int hidden = heads * headDim;
        if (!Target.HasAttentionFor(headDim))
        {
            Assert.That(
                () => Device.Kernels.Attention(
                    Device.Batch(lengths), Device.Output(tokens, 3 * hidden), heads, Tensor.None, Dropout.None, Tensor.None, Device.Output(tokens, hidden)),
                Throws.ArgumentException.With.Message.Contains($"each of {heads} heads is {headDim} wide"));
            return;
        }

        AttentionPass pass = LayerPasses.Attention(Device, Random, lengths, heads, headDim, hasBias, probability);

        Check(pass, lengths, heads);
    }

    [Test]
    public void ManySentences()
    {
        int[] lengths = [.. Enumerable.Range(0, 256).Select(i => 1 + (i * 7 % 11))];
        Check(LayerPasses.Attention(Device, Random, lengths, heads: 2, headDim: 8, hasBias: false, probability: 0), lengths, heads: 2);
    }

    [Test]
    public void LargeScoresNeitherOverflowNorVanish()
    {
        Array2 qkv = Array2.Random(40, 3 * 16, Random, 30);
        Array2 dy = Array2.Random(40, 16, Random);
        int[] lengths = [7, 33];
        DeviceBatch batch = Device.Batch(lengths);
        Tensor input = Device.Float(qkv);
        Tensor context = Device.Output(40, 16);

        Device.Kernels.Attention(batch, input, 1, Tensor.None, Dropout.None, Tensor.None, context);

        Close.Check(Device.Read(context), Reference.Attention(lengths, qkv, 1, null, null), qkv, "context");
    }

    [Test]
    public void TheGradientOfABiasIsAdded()
    {
        Array2 qkv = Array2.Random(20, 3 * 16, Random);
        Array2 dy = Array2.Random(20, 16, Random);
        Array2 before = Array2.Random(2 * 12, 12, Random);
        DeviceBatch batch = Device.Batch([12, 8]);
        Tensor input = Device.Float(qkv);
        Tensor bias = Device.Float(Array2.Random(2 * 12, 12, Random));
        Tensor logSumExp = Device.Output(20, 2);
        Tensor context = Device.Output(20, 16);
        Tensor alone = Device.Zeros(2 * 12, 12);
        Tensor added = Device.Float(before);

        Device.Kernels.Attention(batch, input, 2, bias, Dropout.None, logSumExp, context);
        Device.Kernels.AttentionBackward(batch, input, 2, bias, Dropout.None, logSumExp, context, Device.Float(dy), Device.Output(20, 48), alone);
        Device.Kernels.AttentionBackward(batch, input, 2, bias, Dropout.None, logSumExp, context, Device.Float(dy), Device.Output(20, 48), added);

        Close.Check(Device.Read(added), Reference.Add(before, Device.Read(alone)), dy, "bias gradient");
    }

    [Test]
    public void ABiasMayBeFixed()
    {
        Array2 qkv = Array2.Random(20, 3 * 16, Random);
        Array2 dy = Array2.Random(20, 16, Random);
        DeviceBatch batch = Device.Batch([12, 8]);
        Tensor input = Device.Float(qkv);
        Tensor bias = Device.Float(Array2.Random(2 * 12, 12, Random));
        Tensor logSumExp = Device.Output(20, 2);
        Tensor context = Device.Output(20, 16);
        Tensor trained = Device.Output(20, 48);
        Tensor untrained = Device.Output(20, 48);

        Device.Kernels.Attention(batch, input, 2, bias, Dropout.None, logSumExp, context);
        Device.Kernels.AttentionBackward(batch, input, 2, bias, Dropout.None, logSumExp, context, Device.Float(dy), trained, Device.Zeros(2 * 12, 12));
        Device.Kernels.AttentionBackward(batch, input, 2, bias, Dropout.None, logSumExp, context, Device.Float(dy), untrained, Tensor.None);

        Assert.That(Device.Read(untrained).Values, Is.EqualTo(Device.Read(trained).Values));
    }
    private void Check(AttentionPass pass, int[] lengths, int heads)
    {
        Array2 Forward() => Reference.Attention(lengths, pass.Qkv, heads, pass.Bias, pass.Factors);
        double Objective() => Reference.Dot(pass.Dy, Forward());
        Close.Check(Device.Read(pass.Context), Forward(), pass.Qkv, "context");
        FiniteDifferences.Check(Objective, pass.Qkv, Device.Read(pass.Gradient), pass.Dy, "qkv");
        if (pass.Bias is not null)
        {
            FiniteDifferences.Check(Objective, pass.Bias, Device.Read(pass.BiasGradient), pass.Dy, "bias");
        }
    }
}
