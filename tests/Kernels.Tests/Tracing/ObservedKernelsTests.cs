using System.Reflection;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Tests.Operations;
using MnrEngine.Kernels.Tracing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Tracing;

public sealed class ObservedKernelsTests
{
    /// <summary>Members that are not operations on the device's data.</summary>
    private static readonly string[] Unobserved =
    [
        "get_Description", "get_ActivationType", "get_Precision", "get_Marks", "get_ProfilerCapture", nameof(IKernels.CreateClock), nameof(IKernels.RunEveryStep), nameof(IKernels.CreateArena),
        nameof(IKernels.TokenRows), nameof(IKernels.Plan), nameof(IKernels.PlanRankingLoss), nameof(IKernels.PlanGlobalNorm), nameof(IKernels.BeginStep), nameof(IKernels.EndStep), nameof(IKernels.GradientReady),
    ];

    [Test]
    public void EveryMemberIsHandedOnAndNoneIsTheInterfacesDefault()
    {
        InterfaceMapping map = typeof(ObservedKernels).GetInterfaceMap(typeof(IKernels));
        Assert.That(map.TargetMethods.Where(static method => method.DeclaringType != typeof(ObservedKernels)), Is.Empty);
    }

    [Test]
    public void EveryOperationIsHeardUnderItsName()
    {
        RecordedOperations recorded = new();
        using ObservedKernels kernels = new(new CpuKernels(1), [recorded]);
        using OperationSequence sequence = new(kernels);

        sequence.Run();
        sequence.Results();
        using DeviceArena arena = kernels.CreateArena("copy", 2 * DeviceArena.Alignment);
        kernels.Copy(arena.Allocate(ElementType.Float32, 1, 1), arena.Allocate(ElementType.Float32, 1, 1));

        IEnumerable<string> operations = typeof(IKernels).GetMethods().Select(static method => method.Name).Distinct().Except(Unobserved);
        Assert.That(recorded.Lines.Distinct(), Is.EquivalentTo(operations));
    }

    [Test]
    public void WatchingChangesNoResult()
    {
        using OperationSequence plain = new(new CpuKernels(1));
        using OperationSequence watched = new(new ObservedKernels(new CpuKernels(1), [new RecordedOperations()]));

        plain.Run();
        watched.Run();

        Assert.That(watched.Results().Select(static result => result.Values), Is.EqualTo(plain.Results().Select(static result => result.Values)));
    }

    [Test]
    public void NobodyIsToldByAnImplementationItself()
    {
        using IKernels kernels = new CpuKernels(1);
        Assert.That((kernels.Marks, kernels.ProfilerCapture), Is.EqualTo(((IStepMarks?)null, (IProfilerCapture?)null)));
    }
}
