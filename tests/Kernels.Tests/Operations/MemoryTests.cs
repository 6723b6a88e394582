using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>What goes to the device and comes back.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.InOtherOrders))]
internal sealed class MemoryTests(KernelTarget target)
{
    private Device _device = null!;

    [SetUp]
    public void SetUp() => _device = new Device(target);

    [TearDown]
    public void TearDown() => _device.Dispose();

    [Test]
    public void AnArenaIsFilledWithZeros()
    {
        using DeviceArena arena = _device.Kernels.CreateArena("zeros", 1 << 20);
        Assert.That(_device.Read(arena.Allocate(ElementType.Float32, 100, 1000)).Values, Has.All.Zero);
    }

    [Test]
    public void MoreMemoryThanThereIsIsRefusedByName() =>
        Assert.That(() => _device.Kernels.CreateArena("far too much", 1L << 60), Throws.InstanceOf<OutOfMemoryException>().With.Message.Contains("far too much"));

    [Test]
    public void AReleasedArenasTensorsAreRefused()
    {
        DeviceArena arena = _device.Kernels.CreateArena("short-lived", 1024);
        Tensor tensor = arena.Allocate(ElementType.Float32, 1, 4);
        arena.Dispose();
        Assert.That(() => _device.Kernels.Fill(tensor, 1), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void ACopyIsWhatItWasCopiedFrom()
    {
        Array2 values = Array2.Random(7, 11, new Random(1));
        Tensor copy = _device.Output(11, 7);
        _device.Kernels.Copy(_device.Float(values), copy);
        Assert.That(_device.Read(copy).Values, Is.EqualTo(values.Values));
    }

    [Test]
    public void AFilledTensorTouchesNoNeighbour()
    {
        Tensor whole = _device.Float(Array2.Filled(3, 5, 1));
        _device.Kernels.Fill(whole.Slice(1, 1), 2);
        Assert.That(_device.Read(whole).Values, Is.EqualTo((double[])[1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1]));
    }

    [TestCase(1f, 1f)]
    [TestCase(1.00390625f, 1f)]
    [TestCase(1.01171875f, 1.015625f)]
    [TestCase(-3.14159265f, -3.140625f)]
    [TestCase(float.PositiveInfinity, float.PositiveInfinity)]
    [TestCase(float.NaN, float.NaN)]
    public void ABFloat16IsTheNearestAndReadsAsASingle(float written, float read)
    {
        using DeviceArena arena = _device.Kernels.CreateArena("halves", 1024);
        Tensor tensor = arena.Allocate(ElementType.BFloat16, 1, 3);
        _device.Kernels.Fill(tensor, written);
        Assert.That(_device.Read(tensor).Values, Is.EqualTo((double[])[read, read, read]));

        _device.Kernels.Write(tensor, [written, 0, written]);
        Assert.That(_device.Read(tensor).Values, Is.EqualTo((double[])[read, 0, read]));
    }

    [Test]
    public void MoreThanGoesOverAtOnceArrivesWhole([Values(ElementType.Float32, ElementType.BFloat16)] ElementType type)
    {
        const int Count = 3_000_001;
        using DeviceArena arena = _device.Kernels.CreateArena("large", DeviceArena.BytesOf(type, 1, Count));
        Tensor tensor = arena.Allocate(type, 1, Count);
        float[] values = [.. Enumerable.Range(0, Count).Select(static i => (float)(i % 251))];

        _device.Kernels.Write(tensor, values);

        float[] read = new float[Count];
        _device.Kernels.Read(tensor, read);
        Assert.That(read.AsSpan().SequenceEqual(values));
    }

    [Test]
    public void TwoBatchesMayBeOnTheDeviceAtOnce()
    {
        // The first holds 1 token of position 0, the second 3 sentences: pooling tells them apart.
        Tensor hidden = _device.Float([1, 2, 3, 4, 5, 6], 6, 1);
        DeviceBatch first = _device.Batch([2, 4]);
        DeviceBatch second = _device.Batch([1, 2, 3]);
        Assert.That(second.Slot, Is.Not.EqualTo(first.Slot));
        Tensor pooledFirst = _device.Output(2, 1);
        Tensor pooledSecond = _device.Output(3, 1);

        _device.Kernels.Pool(first, PoolingModes.LastToken, hidden, pooledFirst);
        _device.Kernels.Pool(second, PoolingModes.LastToken, hidden, pooledSecond);

        Assert.That(_device.Read(pooledFirst).Values, Is.EqualTo((double[])[2, 6]));
        Assert.That(_device.Read(pooledSecond).Values, Is.EqualTo((double[])[1, 3, 6]));
        Assert.That(_device.Batch([9]).Slot, Is.EqualTo(first.Slot));
    }

    [Test]
    public void ABatchTellsItsShape()
    {
        PackedBatch packed = new();
        packed.Add([7, 8, 9]);
        packed.Add([5]);
        DeviceBatch batch = _device.Kernels.Upload(packed);
        packed.Clear();
        Assert.That((batch.Tokens, batch.Sentences, batch.LongestSentence), Is.EqualTo((4, 2, 3)));
        Assert.That(batch.TokenRows, Is.EqualTo(_device.Kernels.TokenRows(4)));
    }
}
