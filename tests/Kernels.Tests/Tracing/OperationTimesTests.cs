using MnrEngine.Kernels.Tracing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Tracing;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class OperationTimesTests
{
    private readonly LayerName _layer = new("attention", 3);
    private readonly List<TimedOperation> _received = [];

    [Test]
    public void AnOperationsTimeIsThatBetweenItsMarks()
    {
        using OperationTimes times = new(new CountingClock(), Receive);

        RunStep(times, 7);
        times.Flush();

        OperationCost cost = new(10, 20);
        Assert.That(_received, Is.EqualTo((TimedOperation[])
        [
            new("Upload", null, StepPhase.Upload, 7, 0, 0, 1, cost),
            new("Attention", _layer, StepPhase.Forward, 7, 0, 2, 3, cost),
            new("AttentionBackward", _layer, StepPhase.Backward, 7, 0, 4, 5, cost),
            new("Adam", null, StepPhase.Optimizer, 7, 0, 6, 7, cost),
        ]));
    }

    [Test]
    public void OnlyStepsThatAreWantedAreTimed()
    {
        CountingClock clock = new();
        using OperationTimes times = new(clock, Receive, static step => step is 2 or 3);

        for (int step = 1; step <= 5; step++)
        {
            RunStep(times, step);
        }

        RunStep(times, null);
        times.Flush();

        Assert.That(_received.Select(static operation => operation.Step).Distinct(), Is.EqualTo((int?[])[2, 3]));
        Assert.That(clock.MarksSet, Is.EqualTo(2 * 2 * 4));
    }

    [Test]
    public void OperationsOutsideStepsAreLeftOut()
    {
        using OperationTimes times = new(new CountingClock(), Receive);

        times.BeginOperation("Write", default);
        times.EndOperation();
        RunStep(times, 1);
        times.BeginOperation("Read", default);
        times.EndOperation();
        times.Flush();

        Assert.That(_received.Select(static operation => operation.Operation), Has.None.EqualTo("Write").And.None.EqualTo("Read"));
    }

    [Test]
    public void TheDeviceIsWaitedForOnceInManySteps()
    {
        CountingClock clock = new();
        using OperationTimes times = new(clock, Receive);

        for (int step = 1; step <= 4096; step++)
        {
            RunStep(times, step);
        }

        Assert.That((clock.Reads, _received.Count), Is.EqualTo((2, 4 * 4096)));
    }

    [Test]
    public void AnOperationThatFailedIsLeftOut()
    {
        using OperationTimes times = new(new CountingClock(), Receive);

        RunStep(times, 1);
        times.BeginStep(2);
        times.BeginOperation("Upload", default);
        times.Flush();

        Assert.That(_received.Select(static operation => operation.Step), Is.EqualTo((int?[])[1, 1, 1, 1]));
    }

    [Test]
    public void TheHostsClockNeverGoesBack()
    {
        using HostClock clock = new();
        const int Marks = 3000;
        for (int i = 0; i < Marks; i++)
        {
            Assert.That(clock.Mark(), Is.EqualTo(i));
        }

        double[] seconds = new double[Marks];
        clock.Read(seconds);
        Assert.That(seconds, Is.Ordered.And.All.GreaterThanOrEqualTo(0));
        Assert.That(clock.Count, Is.Zero);
    }

    private void RunStep(OperationTimes times, int? step)
    {
        times.BeginStep(step);
        Run("Upload");
        times.EnterPhase(StepPhase.Forward);
        times.EnterLayer(_layer);
        Run("Attention");
        times.EnterPhase(StepPhase.Backward);
        times.EnterLayer(_layer);
        Run("AttentionBackward");
        times.EnterPhase(StepPhase.Optimizer);
        Run("Adam");
        times.EndStep();

        void Run(string operation)
        {
            times.BeginOperation(operation, new OperationCost(10, 20));
            times.EndOperation();
        }
    }

    private void Receive(ReadOnlySpan<TimedOperation> operations) => _received.AddRange(operations);

    /// <summary>A clock on which every mark comes a second after the one before.</summary>
    private sealed class CountingClock : OperationClock
    {
        public int MarksSet { get; private set; }

        public int Reads { get; private set; }

        public override int Mark()
        {
            MarksSet++;
            return Count++;
        }

        public override void Read(Span<double> seconds)
        {
            Reads++;
            for (int i = 0; i < Count; i++)
            {
                seconds[i] = MarksSet - Count + i;
            }

            Count = 0;
        }
    }
}
