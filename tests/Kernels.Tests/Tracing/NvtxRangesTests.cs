using MnrEngine.Kernels.Tracing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Tracing;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class NvtxRangesTests
{
    private readonly LayerName _attention = new("attention", 0);
    private readonly LayerName _loss = new("loss");
    private readonly Domain _domain = new();

    [Test]
    public void StepPhaseLayerAndOperationLieInOneAnother()
    {
        NvtxRanges ranges = new(_domain);

        ranges.BeginStep(20);
        Run(ranges, "Upload");
        ranges.EnterPhase(StepPhase.Forward);
        ranges.EnterLayer(_attention);
        Run(ranges, "Linear");
        Run(ranges, "Attention");
        ranges.EnterLayer(_loss);
        Run(ranges, "RankingLoss");
        ranges.EnterPhase(StepPhase.Backward);
        ranges.EnterLayer(_attention);
        Run(ranges, "AttentionBackward");
        ranges.EnterLayer(null);
        ranges.EnterPhase(StepPhase.Optimizer);
        Run(ranges, "Adam");
        ranges.EndStep();

        Assert.That(_domain.Paths, Is.EqualTo((string[])
        [
            "step=20", "step=20/upload", "step=20/upload/Upload",
            "step=20/forward", "step=20/forward/attention 0", "step=20/forward/attention 0/Linear", "step=20/forward/attention 0/Attention",
            "step=20/forward/loss", "step=20/forward/loss/RankingLoss",
            "step=20/backward", "step=20/backward/attention 0", "step=20/backward/attention 0/AttentionBackward",
            "step=20/optimizer", "step=20/optimizer/Adam",
        ]));
        Assert.That(_domain.Open, Is.Empty);
    }

    [Test]
    public void AStepThatFailedIsClosedByTheNext()
    {
        NvtxRanges ranges = new(_domain);

        ranges.BeginStep(1);
        ranges.EnterPhase(StepPhase.Forward);
        ranges.EnterLayer(_attention);
        ranges.BeginStep(2);

        Assert.That(_domain.Open, Is.EqualTo((string[])["step=2", "upload"]));
    }

    [Test]
    public void MarksOutsideAStepLeaveNothingOpen()
    {
        NvtxRanges ranges = new(_domain);

        ranges.EnterPhase(StepPhase.Forward);
        ranges.EnterLayer(_attention);
        Run(ranges, "Linear");

        Assert.That(_domain.Paths, Is.EqualTo((string[])["Linear"]));
        Assert.That(_domain.Open, Is.Empty);
    }

    [Test]
    public void WithoutAToolThereAreNone() => Assert.That(NvtxRanges.Open(), Is.Null);

    private static void Run(NvtxRanges ranges, string operation)
    {
        ranges.BeginOperation(operation, default);
        ranges.EndOperation();
    }

    private sealed class Domain : INvtxDomain
    {
        public List<string> Open { get; } = [];

        public List<string> Paths { get; } = [];

        public void Push(string name, long number)
        {
            Open.Add(number < 0 ? name : $"{name}={number}");
            Paths.Add(string.Join('/', Open));
        }

        public void Pop() => Open.RemoveAt(Open.Count - 1);
    }
}
