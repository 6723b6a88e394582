using MnrEngine.Kernels.Cuda;
using MnrEngine.Kernels.Tests.Operations;
using MnrEngine.Kernels.Tracing;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Tracing;

/// <summary>What the CUDA implementation has for those who watch; on the host build, or on a GPU.</summary>
public sealed class CudaTracingTests
{
    private static readonly StepKey Key = new(1, 64, 2, 8, 0);

    private CudaKernels _kernels = null!;

    [SetUp]
    public void SetUp() => _kernels = CudaTarget.Create(KernelTarget.ExactShapes);

    [TearDown]
    public void TearDown() => _kernels?.Dispose();

    [Test]
    public void MarksAreEventsInTheStreamAndTheirTimesGoOnAfterARead()
    {
        using OperationClock clock = _kernels.CreateClock();
        using DeviceArena arena = _kernels.CreateArena("marks", 1 << 20);
        Tensor tensor = arena.Allocate(ElementType.Float32, 1, 100_000);
        List<double> times = [];

        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 5; i++)
            {
                Assert.That(clock.Mark(), Is.EqualTo(i));
                _kernels.Fill(tensor, i);
            }

            double[] seconds = new double[clock.Count];
            clock.Read(seconds);
            times.AddRange(seconds);
        }

        Assert.That(times, Has.Count.EqualTo(15).And.Ordered);
        Assert.That(times[0], Is.Not.Negative);
        Assert.That(times[^1], Is.GreaterThan(times[0]));
    }

    [Test]
    public void AWatchedStepIsRunEveryTime()
    {
        Assert.That(Begin(3), Is.EqualTo((bool[])[true, true, false]), "run, recorded, replayed");

        _kernels.RunEveryStep();

        Assert.That(Begin(3), Has.All.True);
    }

    [Test]
    public void TheProfilerCanBeSwitchedOnAndOff()
    {
        Assert.That(_kernels.ProfilerCapture, Is.Not.Null);
        Assert.That(_kernels.ProfilerCapture!.Start, Throws.Nothing);
        Assert.That(_kernels.ProfilerCapture.Stop, Throws.Nothing);
    }

    private bool[] Begin(int steps)
    {
        using DeviceArena arena = _kernels.CreateArena("step", 1024);
        Tensor tensor = arena.Allocate(ElementType.Float32, 1, 4);
        bool[] isRun = new bool[steps];
        for (int i = 0; i < steps; i++)
        {
            isRun[i] = _kernels.BeginStep(Key);
            if (isRun[i])
            {
                _kernels.Fill(tensor, 1);
            }

            _kernels.EndStep();
        }

        return isRun;
    }
}
