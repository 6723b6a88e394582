using MnrEngine.Kernels.Cpu;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cpu;

public sealed unsafe class CpuThreadsTests
{
    [TestCase(1, 1)]
    [TestCase(1, 5)]
    [TestCase(2, 2)]
    [TestCase(2, 1)]
    [TestCase(3, 100)]
    [TestCase(8, 3)]
    public void EveryPartRunsOnce(int count, int parts)
    {
        using CpuThreads threads = new(count);
        int[] runs = new int[parts];
        for (int repeat = 1; repeat <= 50; repeat++)
        {
            threads.Run(new CountRuns(runs), parts);
            Assert.That(runs, Is.All.EqualTo(repeat));
        }
    }

    [Test]
    public void ThreadsThatHaveFallenAsleepWakeUpAgain()
    {
        using CpuThreads threads = new(3);
        int[] runs = new int[3];
        for (int repeat = 1; repeat <= 5; repeat++)
        {
            threads.Run(new CountRuns(runs), runs.Length);
            Assert.That(runs, Is.All.EqualTo(repeat));
            Thread.Sleep(20);
        }
    }

    [Test]
    public void ThePartsOfAJobAreSharedByDifferentThreads()
    {
        using CpuThreads threads = new(2);
        using Barrier bothAreHere = new(2);
        Assert.That(() => threads.Run(new Meet(bothAreHere), 2), Throws.Nothing);
    }

    [Test]
    public void AThreadThatIsHeldUpKeepsItsFirstPartOnly([Values(2, 3)] int count)
    {
        using CpuThreads threads = new(count);
        int[] doneBy = new int[5 * count];
        using CountdownEvent others = new(doneBy.Length - 1);
        Assert.That(() => threads.Run(new HoldUpLast(doneBy, others, count), doneBy.Length), Throws.Nothing, "the other threads did the parts of the one that waits for them");
        Assert.That(doneBy.Take(5), Has.Some.EqualTo(0));
        Assert.That(doneBy[5 * (count - 1)], Is.EqualTo(count - 1));
        Assert.That(doneBy.Skip((5 * (count - 1)) + 1), Is.All.LessThan(count - 1));
    }

    [Test]
    public void AnExceptionOfAnyPartReachesTheCallerAfterTheOthersAreDone([Values(0, 1, 2, 9)] int failing, [Values(1, 3)] int count)
    {
        using CpuThreads threads = new(count);
        int[] runs = new int[10];
        Assert.That(() => threads.Run(new FailOne(runs, failing), runs.Length), Throws.InvalidOperationException.With.Message.EqualTo($"part {failing}"));
        Assert.That(runs, Is.EqualTo(Enumerable.Range(0, 10).Select(part => part == failing ? 0 : 1)));

        Assert.That(() => threads.Run(new CountRuns(runs), runs.Length), Throws.Nothing, "the threads are fit for the next job");
    }

    [Test]
    public void AJobStartedInsideAPartRunsOnThatPartsThread([Values(1, 4)] int count)
    {
        using CpuThreads threads = new(count);
        int[] runs = new int[4 * 7];
        threads.Run(new Nested(threads, runs, 7), 4);
        Assert.That(runs, Is.All.EqualTo(1));
    }

    [Test]
    public void JobsOfSeveralCallersDoNotMix()
    {
        using CpuThreads threads = new(2);
        int[][] runs = [new int[6], new int[6], new int[6]];
        Parallel.ForEach(runs, own =>
        {
            for (int repeat = 0; repeat < 2000; repeat++)
            {
                threads.Run(new CountRuns(own), own.Length);
            }
        });
        Assert.That(runs, Is.All.EqualTo(Enumerable.Repeat(2000, 6)));
    }

    [Test]
    public void RunningAJobAllocatesNothing()
    {
        using CpuThreads threads = new(2);
        int[] runs = new int[2];
        threads.Run(new CountRuns(runs), 2);
        long before = AllocatedBytes.Of(threads);
        for (int repeat = 0; repeat < 1000; repeat++)
        {
            threads.Run(new CountRuns(runs), 2);
        }

        Assert.That(AllocatedBytes.Of(threads), Is.EqualTo(before));
    }

    [Test]
    public void ThereIsOneThreadForEachProcessorUnlessTold()
    {
        using CpuThreads threads = new();
        Assert.That(threads.Count, Is.EqualTo(Environment.ProcessorCount));
    }

    [Test]
    public void StoppedThreadsRefuseWork()
    {
        CpuThreads threads = new(2);
        threads.Dispose();
        threads.Dispose();
        Assert.That(() => threads.Run(new CountRuns(new int[1]), 1), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void RangesCoverEverythingOnceInWholeUnits([Values(0, 1, 12, 13, 100)] int total, [Values(1, 4, 12)] int granularity, [Values(1, 2, 7, 64)] int parts)
    {
        int next = 0;
        for (int part = 0; part < parts; part++)
        {
            (int start, int end) = CpuThreads.Range(total, granularity, part, parts);
            Assert.That(start, Is.EqualTo(next));
            Assert.That(end % granularity == 0 || end == total);
            Assert.That(end - start, Is.LessThanOrEqualTo((total / granularity / parts + 1) * granularity), "no part has more than one unit above its share");
            next = end;
        }

        Assert.That(next, Is.EqualTo(total));
    }

    private readonly struct CountRuns(int[] runs) : IParallelJob
    {
        public void Execute(int part, int thread) => Interlocked.Increment(ref runs[part]);
    }

    private readonly struct Meet(Barrier barrier) : IParallelJob
    {
        public void Execute(int part, int thread)
        {
            if (!barrier.SignalAndWait(TimeSpan.FromSeconds(30)))
            {
                throw new TimeoutException("the other part did not run at the same time");
            }
        }
    }

    /// <summary>The last thread's first part waits until all the others are done.</summary>
    private readonly struct HoldUpLast(int[] doneBy, CountdownEvent others, int count) : IParallelJob
    {
        public void Execute(int part, int thread)
        {
            doneBy[part] = thread;
            if (part != 5 * (count - 1))
            {
                others.Signal();
            }
            else if (!others.Wait(TimeSpan.FromSeconds(30)))
            {
                throw new TimeoutException("nobody did the parts of the thread that is held up");
            }
        }
    }

    private readonly struct FailOne(int[] runs, int failing) : IParallelJob
    {
        public void Execute(int part, int thread)
        {
            if (part == failing)
            {
                throw new InvalidOperationException($"part {part}");
            }

            Interlocked.Increment(ref runs[part]);
        }
    }

    private readonly struct Nested(CpuThreads threads, int[] runs, int inner) : IParallelJob
    {
        public void Execute(int part, int thread) => threads.Run(new Inner(runs, part * inner, Environment.CurrentManagedThreadId), inner);
    }

    private readonly struct Inner(int[] runs, int first, int managedThread) : IParallelJob
    {
        public void Execute(int part, int thread)
        {
            Assert.That(Environment.CurrentManagedThreadId, Is.EqualTo(managedThread));
            Interlocked.Increment(ref runs[first + part]);
        }
    }
}
