using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Tests.Operations;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cpu;

/// <summary>What holds for the CPU's operations beyond the contract, over a step with every operation.</summary>
internal sealed class CpuKernelsTests
{
    private static IEnumerable<CpuInstructionSet> Supported => Enum.GetValues<CpuInstructionSet>().Where(CpuInstructionSets.IsSupported);

    [Test]
    public void ResultsAreTheSameBitForBitWhateverTheNumberOfThreads([ValueSource(nameof(Supported))] CpuInstructionSet set)
    {
        List<Array2> expected = Run(1, set);
        Assert.That(expected.SelectMany(result => result.Values), Has.All.Matches<double>(double.IsFinite));
        foreach (int threads in (int[])[2, 3, 8])
        {
            List<Array2> actual = Run(threads, set);
            for (int i = 0; i < expected.Count; i++)
            {
                Assert.That(actual[i].Values, Is.EqualTo(expected[i].Values), $"result {i} with {threads} threads");
            }
        }
    }

    [Test]
    public void AStepRepeatsBitForBit()
    {
        using OperationSequence sequence = new(new CpuKernels(2));
        sequence.Run();
        List<Array2> first = sequence.Results();
        sequence.Run();
        List<Array2> second = sequence.Results();

        // The last three, weights and moments of Adam, have moved on.
        for (int i = 0; i < first.Count; i++)
        {
            if (!IsOfAdam(i, first.Count))
            {
                Assert.That(second[i].Values, Is.EqualTo(first[i].Values), $"result {i}");
            }
        }
    }

    [Test]
    public void InstructionSetsAgree()
    {
        CpuInstructionSet[] sets = [.. Supported];
        List<Array2> expected = Run(1, sets[0]);
        foreach (CpuInstructionSet set in sets[1..])
        {
            List<Array2> actual = Run(1, set);
            for (int i = 0; i < expected.Count; i++)
            {
                Close.Check(actual[i], expected[i], expected[i], $"result {i} with {set.Name()}");
            }
        }
    }

    [Test]
    public void AStepAllocatesNothing([ValueSource(nameof(Supported))] CpuInstructionSet set)
    {
        using OperationSequence sequence = new(new CpuKernels(1, set));
        sequence.Run();
        sequence.Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 5; i++)
        {
            sequence.Run();
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void AStepOnSeveralThreadsAllocatesNothingOnTheCallers()
    {
        using OperationSequence sequence = new(new CpuKernels(3));
        sequence.Run();
        sequence.Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        sequence.Run();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void MomentsOfARowLongUnusedEndAtZeroAndNotAmongTheDenormals([ValueSource(nameof(Supported))] CpuInstructionSet set)
    {
        using Device device = new(new CpuKernels(1, set));
        AdamState state = new(
            device.Float(Array2.Filled(1, 64, 1)), device.Zeros(1, 64), device.Float(Array2.Filled(1, 64, -1e-37)), device.Float(Array2.Filled(1, 64, 2e-38)), device.Scalar(0));
        Tensor rates = device.Float([0.1f, 0.1f, 1f, 0f], 1, 4);
        for (int step = 0; step < 40; step++)
        {
            device.Kernels.Adam(state, new AdamOptions(0.9, 0.9, 1e-8, true), rates, device.Scalar(1));
        }

        Assert.That(device.Read(state.FirstMoments).Values, Has.All.Zero);
        Assert.That(device.Read(state.SecondMoments).Values, Has.All.Zero);
        Assert.That(device.Read(state.Weights).Values, Has.All.EqualTo(1));
    }

    [Test]
    public void TheDescriptionTellsInstructionSetAndThreads()
    {
        using CpuKernels one = new(1, CpuInstructionSet.Portable);
        using CpuKernels three = new(3, CpuInstructionSets.Widest);
        Assert.That(one.Description, Is.EqualTo("CPU, portable vectors, 1 thread"));
        Assert.That(three.Description, Does.StartWith("CPU, ").And.EndWith("3 threads"));
    }

    private static bool IsOfAdam(int result, int count) => result >= count - 3;

    private static List<Array2> Run(int threads, CpuInstructionSet set)
    {
        using OperationSequence sequence = new(new CpuKernels(threads, set));
        sequence.Run();
        return sequence.Results();
    }
}
