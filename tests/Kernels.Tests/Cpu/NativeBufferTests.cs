using MnrEngine.Kernels.Cpu;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cpu;

public sealed unsafe class NativeBufferTests
{
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1000)]
    [TestCase(10_000_000)]
    public void MemoryIsAlignedAndZero(int bytes)
    {
        using NativeBuffer buffer = new((nuint)bytes);
        Assert.That((ulong)buffer.Pointer % DeviceArena.Alignment, Is.Zero);
        Assert.That(new Span<byte>(buffer.Pointer, bytes).IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
        new Span<byte>(buffer.Pointer, bytes).Fill(1);
    }

    [Test]
    public void FreedMemoryIsNotHandedOut()
    {
        NativeBuffer buffer = new(10);
        buffer.Dispose();
        buffer.Dispose();
        Assert.That(() => (nint)buffer.Pointer, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void AnImpossibleSizeIsOutOfMemory() =>
        Assert.That(() => new NativeBuffer(nuint.MaxValue / 2), Throws.TypeOf<OutOfMemoryException>());

    [Test]
    public void ABufferGrowsOnlyWhenItIsTooSmall()
    {
        NativeBuffer? buffer = null;
        float* first = NativeBuffer.Grow(ref buffer, 100);
        first[99] = 5;
        Assert.That((nint)NativeBuffer.Grow(ref buffer, 50), Is.EqualTo((nint)first));
        Assert.That(first[99], Is.EqualTo(5));
        NativeBuffer.Grow(ref buffer, 1000)[999] = 1;
        Assert.That(buffer!.Bytes, Is.EqualTo((nuint)4000));
        buffer.Dispose();
    }
}
