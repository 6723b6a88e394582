using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Pooling and normalisation against the reference and its finite differences.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class PoolingTests(KernelTarget target)
{
    private const PoolingModes Every =
        PoolingModes.Cls | PoolingModes.Max | PoolingModes.Mean | PoolingModes.MeanSqrtLength | PoolingModes.WeightedMean | PoolingModes.LastToken;

    private Device _device = null!;
    private Random _random = null!;

    [SetUp]
    public void SetUp()
    {
        _device = new Device(target);
        _random = new Random(14);
    }

    [TearDown]
    public void TearDown() => _device.Dispose();

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
        Array2 x = Array2.Random(lengths.Sum(), hidden, _random);
        Array2 expected = Reference.Pool(lengths, x, modes);
        Array2 dy = Array2.Random(expected.Rows, expected.Columns, _random);
        DeviceBatch batch = _device.Batch(lengths);
        Tensor input = _device.Float(x);
        Tensor pooled = _device.Output(expected.Rows, expected.Columns);
        Tensor gradient = _device.Output(x.Rows, hidden);

        _device.Kernels.Pool(batch, modes, input, pooled);
        _device.Kernels.PoolBackward(batch, modes, input, _device.Float(dy), gradient);

        Close.Check(_device.Read(pooled), expected, x, "pooled");
        FiniteDifferences.Check(() => Reference.Dot(dy, Reference.Pool(lengths, x, modes)), x, _device.Read(gradient), dy, "hidden");
    }

    [Test]
    public void TheFirstOfEqualMaximaGetsTheGradient()
    {
        DeviceBatch batch = _device.Batch([3, 2]);
        Tensor input = _device.Float([1, 5, 2, 5, 2, 4, -1, -3, -1, -3], 5, 2);
        Tensor gradient = _device.Output(5, 2);

        _device.Kernels.PoolBackward(batch, PoolingModes.Max, input, _device.Float([10, 20, 30, 40], 2, 2), gradient);

        Assert.That(_device.Read(gradient).Values, Is.EqualTo((double[])[0, 20, 10, 0, 0, 0, 30, 40, 0, 0]));
    }

    [Test]
    public void Normalize([Values(1, 40)] int rows, [Values(1, 33, 384)] int width)
    {
        Array2 x = Array2.Random(rows, width, _random);
        Array2 dy = Array2.Random(rows, width, _random);
        Tensor input = _device.Float(x);
        Tensor length = _device.Output(rows, 1);
        Tensor output = _device.Output(rows, width);
        Tensor gradient = _device.Output(rows, width);

        _device.Kernels.Normalize(input, length, output);
        _device.Kernels.NormalizeBackward(output, length, _device.Float(dy), gradient);

        Close.Check(_device.Read(output), Reference.Normalize(x), x, "y");
        FiniteDifferences.Check(() => Reference.Dot(dy, Reference.Normalize(x)), x, _device.Read(gradient), dy, "x");

        Tensor inPlace = _device.Float(dy);
        _device.Kernels.NormalizeBackward(output, length, inPlace, inPlace);
        Assert.That(_device.Read(inPlace).Values, Is.EqualTo(_device.Read(gradient).Values));
    }

    [Test]
    public void ARowWithoutLengthStaysZeroAndPassesNoGradient()
    {
        Tensor input = _device.Float([0, 0, 0, 3, 4, 0], 2, 3);
        Tensor length = _device.Output(2, 1);
        Tensor output = _device.Output(2, 3);
        Tensor gradient = _device.Float([1, 2, 3, 4, 5, 6], 2, 3);

        _device.Kernels.Normalize(input, length, output);
        _device.Kernels.NormalizeBackward(output, length, gradient, gradient);

        Assert.That(_device.Read(length).Values, Is.EqualTo((double[])[0, 5]));
        Assert.That(_device.Read(output).RowsOf(0, 1).Values, Is.EqualTo((double[])[0, 0, 0]));
        Assert.That(_device.Read(gradient).RowsOf(0, 1).Values, Is.EqualTo((double[])[0, 0, 0]));
        Assert.That(_device.Read(gradient).RowsOf(1, 1).Norm, Is.GreaterThan(0));
    }
}
