using MnrEngine.Kernels.Tracing;
using MnrEngine.Trainer.Profiling;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Profiling;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ProfiledStepsTests
{
    private readonly Capture _capture = new();

    [Test]
    public void TheProfilerRecordsFromTheFirstStepToTheLast()
    {
        using ProfiledSteps profiled = new(_capture, new StepRange(3, 4));

        RunSteps(profiled, 1, 6);

        Assert.That(_capture.Calls, Is.EqualTo((string[])["1", "2", "start", "3", "4", "stop", "5", "6"]));
    }

    [Test]
    public void ARunThatEndsBeforeTheLastStepEndsTheRecording()
    {
        using (ProfiledSteps profiled = new(_capture, new StepRange(2, 10)))
        {
            RunSteps(profiled, 1, 3);
        }

        Assert.That(_capture.Calls, Is.EqualTo((string[])["1", "start", "2", "3", "stop"]));
    }

    [Test]
    public void ARunResumedInsideTheRangeRecordsTheRestOfIt()
    {
        using ProfiledSteps profiled = new(_capture, new StepRange(2, 4));

        RunSteps(profiled, 4, 5);

        Assert.That(_capture.Calls, Is.EqualTo((string[])["start", "4", "stop", "5"]));
    }

    [Test]
    public void EncodingBetweenStepsIsNoStep()
    {
        using ProfiledSteps profiled = new(_capture, new StepRange(1, 1));

        profiled.BeginStep(null);
        profiled.EndStep();

        Assert.That(_capture.Calls, Is.Empty);
    }

    private void RunSteps(ProfiledSteps profiled, int first, int last)
    {
        for (int step = first; step <= last; step++)
        {
            profiled.BeginStep(step);
            _capture.Calls.Add($"{step}");
            profiled.EndStep();
        }
    }

    private sealed class Capture : IProfilerCapture
    {
        public List<string> Calls { get; } = [];

        public void Start() => Calls.Add("start");

        public void Stop() => Calls.Add("stop");
    }
}
