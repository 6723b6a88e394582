using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Pooling and normalisation against the reference and its finite differences.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class PoolingTests(KernelTarget target) : OperationTests(target, 14)
{
    private const PoolingModes Every =
        PoolingModes.Cls | PoolingModes.Max | PoolingModes.Mean | PoolingModes.MeanSqrtLength | PoolingModes.WeightedMean | PoolingModes.LastToken;

    [Test]
    public void Pooling(
        [Values(PoolingModes.Cls, PoolingModes.Max, PoolingModes.Mean, PoolingModes.MeanSqrtLength, PoolingModes.WeightedMean, PoolingModes.LastToken, PoolingModes.Cls | PoolingModes.Mean, Every)]
        PoolingModes modes,
        [Values(1, 16, 37)] int hidden,
        [Values(0, 1, 2)] int shape)
    {
        int[] lengths = shape switch
        {
            0 => [1],
            1 => [5, 1, 13, 3],
            _ => [200],
        };
        Array2 x = Array2.Random(lengths.Sum(), hidden, Random);
        (Array2 dy, Tensor pooled, Tensor gradient) = SentencePasses.Pool(Device, Random, lengths, x, modes);

        Close.Check(Device.Read(pooled), Reference.Pool(lengths, x, modes), x, "pooled");
        FiniteDifferences.Check(() => Reference.Dot(dy, Reference.Pool(lengths, x, modes)), x, Device.Read(gradient), dy, "hidden");
    }

    [Test]
    public void TheFirstOfEqualMaximaGetsTheGradient()
    {
        DeviceBatch batch = Device.Batch([3, 2]);
        Tensor input = Device.Float([1, 5, 2, 5, 2, 4, -1, -3, -1, -3], 5, 2);
        Tensor gradient = Device.Output(5, 2);

        Device.Kernels.PoolBackward(batch, PoolingModes.Max, input, Device.Float([10, 20, 30, 40], 2, 2), gradient);

        Assert.That(Device.Read(gradient).Values, Is.EqualTo((double[])[0, 20, 10, 0, 0, 0, 30, 40, 0, 0]));
    }

    [Test]
    public void Normalize([Values(1, 40)] int rows, [Values(1, 33, 384)] int width)
    {
        (Array2 x, Array2 dy, Tensor length, Tensor output, Tensor gradient) = SentencePasses.Normalize(Device, Random, rows, width);

        Close.Check(Device.Read(output), Reference.Normalize(x), x, "y");
        FiniteDifferences.Check(() => Reference.Dot(dy, Reference.Normalize(x)), x, Device.Read(gradient), dy, "x");

        Tensor inPlace = Device.Float(dy);
        Device.Kernels.NormalizeBackward(output, length, inPlace, inPlace);
        Assert.That(Device.Read(inPlace).Values, Is.EqualTo(Device.Read(gradient).Values));
    }

    [Test]
    public void ARowWithoutLengthStaysZeroAndPassesNoGradient()
    {
        Tensor input = Device.Float([0, 0, 0, 3, 4, 0], 2, 3);
        Tensor length = Device.Output(2, 1);
        Tensor output = Device.Output(2, 3);
        Tensor gradient = Device.Float([1, 2, 3, 4, 5, 6], 2, 3);

        Device.Kernels.Normalize(input, length, output);
        Device.Kernels.NormalizeBackward(output, length, gradient, gradient);

        Assert.That(Device.Read(length).Values, Is.EqualTo((double[])[0, 5]));
        Assert.That(Device.Read(output).RowsOf(0, 1).Values, Is.EqualTo((double[])[0, 0, 0]));
        Assert.That(Device.Read(gradient).RowsOf(0, 1).Values, Is.EqualTo((double[])[0, 0, 0]));
        Assert.That(Device.Read(gradient).RowsOf(1, 1).Norm, Is.GreaterThan(0));
    }
}
