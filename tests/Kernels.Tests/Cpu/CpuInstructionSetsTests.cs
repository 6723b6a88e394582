using MnrEngine.Kernels.Cpu;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cpu;

public sealed class CpuInstructionSetsTests
{
    [Test]
    public void WithoutAWishTheWidestIsUsed([Values(null, "")] string? name) =>
        Assert.That(CpuInstructionSets.Select(name), Is.EqualTo(CpuInstructionSets.Widest));

    [Test]
    public void AWishIsHeardWhereTheMachineCan([Values] CpuInstructionSet set)
    {
        if (CpuInstructionSets.IsSupported(set))
        {
            Assert.That(CpuInstructionSets.Select(set.Name().ToUpperInvariant()), Is.EqualTo(set));
        }
        else
        {
            Assert.That(() => CpuInstructionSets.Select(set.Name()), Throws.TypeOf<NotSupportedException>().With.Message.Contains(set.Name()));
        }
    }

    [Test]
    public void AnUnknownNameIsRefusedWithTheNamesThereAre() =>
        Assert.That(() => CpuInstructionSets.Select("sse9"), Throws.TypeOf<NotSupportedException>().With.Message.EqualTo("MNR_CPU_ISA is sse9; expected avx512, avx2 or portable."));

    [Test]
    public void ThePeakIsMeasured([Values] CpuInstructionSet set)
    {
        Assume.That(CpuInstructionSets.IsSupported(set), "the machine has these instructions");
        using CpuThreads threads = new(1);
        Assert.That(FmaPeak.Measure(threads, set), Is.GreaterThan(1e7));
    }
}
