using MnrEngine.Kernels.Cuda.Interop;
using static MnrEngine.Kernels.Cuda.CudaStatus;

namespace MnrEngine.Kernels.Cuda;

/// <summary>
/// Recorded steps. A step runs as usual when its key occurs first, which also makes whatever is made once; when the key occurs again it is recorded as a CUDA graph, launched, and from then on
/// replayed: one call instead of some hundred. The graphs used last are kept. Whoever frees or moves device memory clears them, since they hold addresses.
/// </summary>
internal sealed unsafe class StepGraphs(CudaContext context) : IDisposable
{
    private const int MostGraphs = 64;
    private const int MostKeys = 4096;

    private readonly Dictionary<StepKey, Entry> _entries = [];
    private long _clock;
    private Entry? _recording;

    /// <summary>How many steps have been replayed, for tests.</summary>
    public long Replays { get; private set; }

    /// <summary>Whether a step is being recorded.</summary>
    public bool IsRecording => _recording is not null;

    /// <summary>The graph of a step with this key, or null when there is none: then the step has to be run, and may be recorded.</summary>
    public RecordedStep? Find(in StepKey key)
    {
        if (!_entries.TryGetValue(key, out Entry? entry))
        {
            if (_entries.Count >= MostKeys)
            {
                Clear();
            }

            _entries.Add(key, new Entry());
            return null;
        }

        entry.LastUsed = ++_clock;
        if (entry.Step is null)
        {
            context.Use();
            Check(CudaDriver.cuStreamBeginCapture_v2(context.Stream, CaptureMode.ThreadLocal), $"cuStreamBeginCapture");
            _recording = entry;
        }

        return entry.Step;
    }

    /// <summary>Ends the recording and launches what was recorded.</summary>
    /// <param name="wordRows">See <see cref="RecordedStep.WordRows"/>.</param>
    /// <param name="positionRows">See <see cref="RecordedStep.PositionRows"/>.</param>
    public void Finish(int wordRows, int positionRows)
    {
        Entry entry = _recording!;
        _recording = null;
        context.Use();
        nint graph;
        Check(CudaDriver.cuStreamEndCapture(context.Stream, &graph), $"cuStreamEndCapture");
        try
        {
            nint executable;
            Check(CudaDriver.cuGraphInstantiateWithFlags(&executable, graph, 0), $"cuGraphInstantiate of a step");
            entry.Step = new RecordedStep(executable, wordRows, positionRows);
        }
        finally
        {
            CudaDriver.cuGraphDestroy(graph);
        }

        DropOldest();
        Launch(entry.Step);
    }

    /// <summary>Gives up a recording whose step failed on the way.</summary>
    public void Abandon()
    {
        if (_recording is null)
        {
            return;
        }

        _recording = null;
        nint graph = 0;
        context.Use();
        CudaDriver.cuStreamEndCapture(context.Stream, &graph);
        if (graph != 0)
        {
            CudaDriver.cuGraphDestroy(graph);
        }
    }

    /// <summary>Replays a step.</summary>
    public void Replay(RecordedStep step)
    {
        Replays++;
        Launch(step);
    }

    /// <summary>Forgets everything: memory has moved.</summary>
    public void Clear()
    {
        foreach (Entry entry in _entries.Values)
        {
            Destroy(entry);
        }

        _entries.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Abandon();
        Clear();
    }

    private void Launch(RecordedStep step)
    {
        context.Use();
        Check(CudaDriver.cuGraphLaunch(step.Executable, context.Stream), $"launching a recorded step");
    }

    private void DropOldest()
    {
        Entry? oldest = null;
        int count = 0;
        foreach (Entry entry in _entries.Values)
        {
            if (entry.Step is not null)
            {
                count++;
                oldest = oldest is null || entry.LastUsed < oldest.LastUsed ? entry : oldest;
            }
        }

        if (count > MostGraphs)
        {
            Destroy(oldest!);
        }
    }

    private void Destroy(Entry entry)
    {
        if (entry.Step is { } step)
        {
            context.Use();
            CudaDriver.cuGraphExecDestroy(step.Executable);
            entry.Step = null;
        }
    }

    private sealed class Entry
    {
        public RecordedStep? Step { get; set; }

        public long LastUsed { get; set; }
    }
}

/// <summary>A step that can be replayed.</summary>
/// <param name="Executable">The driver's handle.</param>
/// <param name="WordRows">The rows of the word table that it reads, against which a batch's token ids are checked; the largest int when it reads none.</param>
/// <param name="PositionRows">The same for positions.</param>
internal sealed record RecordedStep(nint Executable, int WordRows, int PositionRows);
