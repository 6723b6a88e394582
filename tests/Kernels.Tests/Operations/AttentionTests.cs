using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Attention against the reference and its finite differences.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.WithLargeGpu))]
internal sealed class AttentionTests(KernelTarget target)
{
    private const ulong Seed = 0xfedcba9876543210;

    private Device _device = null!;
    private Random _random = null!;

    [SetUp]
    public void SetUp()
    {
        _device = new Device(target);
        _random = new Random(13);
    }

    [TearDown]
    public void TearDown() => _device.Dispose();

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
        if (!target.HasAttentionFor(headDim))
        {
            Assert.That(
                () => _device.Kernels.Attention(
                    _device.Batch(lengths), _device.Output(tokens, 3 * hidden), heads, Tensor.None, Dropout.None, Tensor.None, _device.Output(tokens, hidden)),
                Throws.ArgumentException.With.Message.Contains($"each of {heads} heads is {headDim} wide"));
            return;
        }

        // A bias may be wider than the longest sentence.
        int biasLength = lengths.Max() + 3;
        Array2 qkv = Array2.Random(tokens, 3 * hidden, _random);
        Array2? bias = hasBias ? Array2.Random(heads * biasLength, biasLength, _random) : null;
        Array2 dy = Array2.Random(tokens, hidden, _random);
        double[] factors = Reference.DropoutFactors(probability, 2, Seed, 4, lengths.Sum(length => heads * length * length));
        Dropout dropout = _device.Dropout(probability, 2, Seed, 4);
        DeviceBatch batch = _device.Batch(lengths);
        Tensor input = _device.Float(qkv);
        Tensor biasTensor = bias is null ? Tensor.None : _device.Float(bias);
        Tensor biasGradient = bias is null ? Tensor.None : _device.Zeros(bias.Rows, bias.Columns);
        Tensor logSumExp = _device.Output(tokens, heads);
        Tensor context = _device.Output(tokens, hidden);
        Tensor gradient = _device.Output(tokens, 3 * hidden);

        _device.Kernels.Attention(batch, input, heads, biasTensor, dropout, logSumExp, context);
        _device.Kernels.AttentionBackward(batch, input, heads, biasTensor, dropout, logSumExp, context, _device.Float(dy), gradient, biasGradient);

        Array2 Forward() => Reference.Attention(lengths, qkv, heads, bias, factors);
        double Objective() => Reference.Dot(dy, Forward());
        Close.Check(_device.Read(context), Forward(), qkv, "context");
        FiniteDifferences.Check(Objective, qkv, _device.Read(gradient), dy, "qkv");
        if (bias is not null)
        {
            FiniteDifferences.Check(Objective, bias, _device.Read(biasGradient), dy, "bias");
        }
    }

    [Test]
    public void ManySentences()
    {
        int[] lengths = [.. Enumerable.Range(0, 256).Select(i => 1 + (i * 7 % 11))];
        Array2 qkv = Array2.Random(lengths.Sum(), 3 * 16, _random);
        Array2 dy = Array2.Random(qkv.Rows, 16, _random);
        DeviceBatch batch = _device.Batch(lengths);
        Tensor input = _device.Float(qkv);
        Tensor logSumExp = _device.Output(qkv.Rows, 2);
        Tensor context = _device.Output(qkv.Rows, 16);
        Tensor gradient = _device.Output(qkv.Rows, 48);

        _device.Kernels.Attention(batch, input, 2, Tensor.None, Dropout.None, logSumExp, context);
        _device.Kernels.AttentionBackward(batch, input, 2, Tensor.None, Dropout.None, logSumExp, context, _device.Float(dy), gradient, Tensor.None);

        Array2 Forward() => Reference.Attention(lengths, qkv, 2, null, null);
        Close.Check(_device.Read(context), Forward(), qkv, "context");
        FiniteDifferences.Check(() => Reference.Dot(dy, Forward()), qkv, _device.Read(gradient), dy, "qkv");
    }

    [Test]
    public void LargeScoresNeitherOverflowNorVanish()
    {
        Array2 qkv = Array2.Random(40, 3 * 16, _random, 30);
        Array2 dy = Array2.Random(40, 16, _random);
        int[] lengths = [7, 33];
        DeviceBatch batch = _device.Batch(lengths);
        Tensor input = _device.Float(qkv);
        Tensor context = _device.Output(40, 16);

        _device.Kernels.Attention(batch, input, 1, Tensor.None, Dropout.None, Tensor.None, context);

        Close.Check(_device.Read(context), Reference.Attention(lengths, qkv, 1, null, null), qkv, "context");
    }

    [Test]
    public void TheGradientOfABiasIsAdded()
    {
        Array2 qkv = Array2.Random(20, 3 * 16, _random);
        Array2 dy = Array2.Random(20, 16, _random);
        Array2 before = Array2.Random(2 * 12, 12, _random);
        DeviceBatch batch = _device.Batch([12, 8]);
        Tensor input = _device.Float(qkv);
        Tensor bias = _device.Float(Array2.Random(2 * 12, 12, _random));
        Tensor logSumExp = _device.Output(20, 2);
        Tensor context = _device.Output(20, 16);
        Tensor alone = _device.Zeros(2 * 12, 12);
        Tensor added = _device.Float(before);

        _device.Kernels.Attention(batch, input, 2, bias, Dropout.None, logSumExp, context);
        _device.Kernels.AttentionBackward(batch, input, 2, bias, Dropout.None, logSumExp, context, _device.Float(dy), _device.Output(20, 48), alone);
        _device.Kernels.AttentionBackward(batch, input, 2, bias, Dropout.None, logSumExp, context, _device.Float(dy), _device.Output(20, 48), added);

        Close.Check(_device.Read(added), Reference.Add(before, _device.Read(alone)), dy, "bias gradient");
    }

    [Test]
    public void ABiasMayBeFixed()
    {
        Array2 qkv = Array2.Random(20, 3 * 16, _random);
        Array2 dy = Array2.Random(20, 16, _random);
        DeviceBatch batch = _device.Batch([12, 8]);
        Tensor input = _device.Float(qkv);
        Tensor bias = _device.Float(Array2.Random(2 * 12, 12, _random));
        Tensor logSumExp = _device.Output(20, 2);
        Tensor context = _device.Output(20, 16);
        Tensor trained = _device.Output(20, 48);
        Tensor untrained = _device.Output(20, 48);

        _device.Kernels.Attention(batch, input, 2, bias, Dropout.None, logSumExp, context);
        _device.Kernels.AttentionBackward(batch, input, 2, bias, Dropout.None, logSumExp, context, _device.Float(dy), trained, _device.Zeros(2 * 12, 12));
        _device.Kernels.AttentionBackward(batch, input, 2, bias, Dropout.None, logSumExp, context, _device.Float(dy), untrained, Tensor.None);

        Assert.That(_device.Read(untrained).Values, Is.EqualTo(_device.Read(trained).Values));
    }
}
