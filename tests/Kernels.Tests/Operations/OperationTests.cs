using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Tests of operations: a device of a test's own, and numbers that are the same in every run.</summary>
internal abstract class OperationTests(KernelTarget target, int seed)
{
    protected KernelTarget Target => target;

    protected Device Device { get; private set; } = null!;

    protected Random Random { get; private set; } = null!;

    /// <summary>The device memory that the test under way may take.</summary>
    protected virtual long DeviceBytes => Device.UsualBytes;

    [SetUp]
    public void SetUp()
    {
        Device = new Device(target, DeviceBytes);
        Random = new Random(seed);
    }

    [TearDown]
    public void TearDown() => Device.Dispose();
}
