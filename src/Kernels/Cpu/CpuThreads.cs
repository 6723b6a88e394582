using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// A fixed set of threads that share the parts of one job at a time. The caller is one of them; the others wait for it, first
/// spinning (the gaps between the operations of a step are a few microseconds), then asleep.
/// </summary>
/// <remarks>
/// Each thread begins with an even run of parts of its own, the same in every job of as many parts, so that it finds in its caches what it wrote there; when it
/// is done it takes parts from the others, all but the first of each, so that a thread whose processor is slower or has other work holds up nobody. Results do not depend on that,
/// because a job may not let a floating-point sum depend on how it is cut (see <see cref="IParallelJob"/>).
/// </remarks>
public sealed unsafe class CpuThreads : IDisposable
{
    /// <summary>Parts for each thread: at the end some wait for a part of this share of their time at most.</summary>
    private const int PartsOfThread = 16;

    private const int IntegersOfLine = 16;

    private readonly Worker[] _workers;
    private readonly Signal _finished;

    // The job under way. Written by the caller before it wakes the workers and left alone until all of them have finished.
    private void* _job;
    private delegate*<void*, int, int, void> _execute;
    private int _parts;
    private int _sharers;

    // For each thread the next part of its run that anybody may take, one to a cache line. The first of each run is the thread's own.
    private readonly int[] _nextParts;
    private int _running;
    private int _busy;
    private Exception? _failure;
    private bool _stopping;

    /// <summary>Starts the threads.</summary>
    /// <param name="count">How many, the caller included; 0 for one per processor that the process may use.</param>
    public CpuThreads(int count = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Count = count == 0 ? Environment.ProcessorCount : count;

        // More threads than processors would only spin against each other.
        TimeSpan spin = Count <= Environment.ProcessorCount ? TimeSpan.FromMicroseconds(100) : TimeSpan.Zero;
        _finished = new Signal(spin);
        _nextParts = new int[Count * IntegersOfLine];
        _workers = new Worker[Count - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Worker(this, i + 1, spin);
        }
    }

    /// <summary>The number of threads, the caller included.</summary>
    public int Count { get; }

    /// <summary>The parts that work of some size is best cut into.</summary>
    public int UsefulParts => Count == 1 ? 1 : PartsOfThread * Count;

    /// <summary>The share of one part when whole units of work are dealt out evenly: the first parts get one more where it does not divide.</summary>
    /// <param name="total">Elements in all.</param>
    /// <param name="granularity">Elements of a unit, which is never cut; the last unit may be short.</param>
    /// <param name="part">From 0 to parts - 1.</param>
    /// <param name="parts">Number of parts.</param>
    /// <returns>The first element and the one after the last.</returns>
    public static (int Start, int End) Range(int total, int granularity, int part, int parts)
    {
        int units = (total + granularity - 1) / granularity;
        (int each, int more) = Math.DivRem(units, parts);
        int first = part * each + Math.Min(part, more);
        int last = first + each + (part < more ? 1 : 0);
        return (Math.Min(first * granularity, total), Math.Min(last * granularity, total));
    }

    /// <summary>
    /// Runs a job and returns when all its parts are done. A call from inside a part, or while another thread's job is under way, runs all parts on the calling
    /// thread. Allocates nothing.
    /// </summary>
    /// <param name="job">The job; it is copied.</param>
    /// <param name="parts">Number of parts, usually <see cref="Count"/>.</param>
    /// <exception cref="ObjectDisposedException">The threads have been stopped.</exception>
    /// <remarks>When parts throw, the others still run, and then one of the exceptions is thrown again here.</remarks>
    public void Run<TJob>(in TJob job, int parts)
        where TJob : struct, IParallelJob
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        TJob copy = job;
        int workers = Math.Min(parts, Count) - 1;
        if (workers <= 0 || Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            ExecuteAll(ref copy, parts);
            return;
        }

        // The copy lies on this stack until all parts are done, so that workers may use its address.
        _job = Unsafe.AsPointer(ref copy);
        _execute = &ExecutePart<TJob>;
        _parts = parts;
        _sharers = workers + 1;
        for (int thread = 0; thread < _sharers; thread++)
        {
            _nextParts[thread * IntegersOfLine] = RunOf(thread).Start + 1;
        }

        _running = workers;
        for (int i = 0; i < workers; i++)
        {
            _workers[i].Start.Raise();
        }

        ExecuteParts(0);
        _finished.Await();

        Exception? failure = _failure;
        _failure = null;
        Volatile.Write(ref _busy, 0);
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Stops the threads. Not while a job is under way.</summary>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        foreach (Worker worker in _workers)
        {
            worker.Start.Raise();
            worker.Thread.Join();
            worker.Start.Dispose();
        }

        _finished.Dispose();
    }

    private static void ExecuteAll<TJob>(ref TJob job, int parts)
        where TJob : struct, IParallelJob
    {
        Exception? failure = null;
        for (int part = 0; part < parts; part++)
        {
            try
            {
                job.Execute(part, thread: 0);
            }
            catch (Exception exception)
            {
                failure ??= exception;
            }
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private static void ExecutePart<TJob>(void* job, int part, int thread)
        where TJob : struct, IParallelJob => Unsafe.AsRef<TJob>(job).Execute(part, thread);

    private void ExecuteParts(int thread)
    {
        ExecutePart(RunOf(thread).Start, thread);
        for (int i = 0; i < _sharers; i++)
        {
            int owner = (thread + i) % _sharers;
            int end = RunOf(owner).End;
            ref int next = ref _nextParts[owner * IntegersOfLine];
            for (int part = Take(ref next, end); part < end; part = Take(ref next, end))
            {
                ExecutePart(part, thread);
            }
        }

        // The caller's own call counts no worker down; it waits for the last of them.
        if (thread != 0 && Interlocked.Decrement(ref _running) == 0)
        {
            _finished.Raise();
        }
    }

    private void ExecutePart(int part, int thread)
    {
        try
        {
            _execute(_job, part, thread);
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, exception, null);
        }
    }

    private (int Start, int End) RunOf(int thread) => Range(_parts, 1, thread, _sharers);

    /// <summary>Takes the next part of a run; <paramref name="end"/> or more when there is none.</summary>
    private static int Take(ref int next, int end) => Volatile.Read(ref next) < end ? Interlocked.Increment(ref next) - 1 : end;

    /// <summary>One thread and the signal that gives it work.</summary>
    private sealed class Worker
    {
        private readonly CpuThreads _owner;
        private readonly int _index;

        public Worker(CpuThreads owner, int index, TimeSpan spin)
        {
            _owner = owner;
            _index = index;
            Start = new Signal(spin);
            Thread = new Thread(Work) { IsBackground = true, Name = $"MnrEngine CPU {index}" };
            Thread.Start();
        }

        public Signal Start { get; }

        public Thread Thread { get; }

        private void Work()
        {
            while (true)
            {
                Start.Await();
                if (_owner._stopping)
                {
                    return;
                }

                _owner.ExecuteParts(_index);
            }
        }
    }

    /// <summary>A flag that one thread raises and one other waits for and takes down.</summary>
    private sealed class Signal(TimeSpan spin) : IDisposable
    {
        private const int Down = 0;
        private const int Up = 1;
        private const int Asleep = 2;

        private readonly AutoResetEvent _wake = new(false);
        private readonly long _spinTicks = (long)(spin.TotalSeconds * Stopwatch.Frequency);
        private int _state;

        public void Raise()
        {
            if (Interlocked.Exchange(ref _state, Up) == Asleep)
            {
                _wake.Set();
            }
        }

        public void Await()
        {
            long deadline = Stopwatch.GetTimestamp() + _spinTicks;
            while (Volatile.Read(ref _state) != Up)
            {
                if (Stopwatch.GetTimestamp() < deadline)
                {
                    Thread.SpinWait(8);
                }
                else if (Interlocked.CompareExchange(ref _state, Asleep, Down) == Down)
                {
                    _wake.WaitOne();
                }
            }

            _state = Down;
        }

        public void Dispose() => _wake.Dispose();
    }
}
