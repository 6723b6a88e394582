using MnrEngine.Kernels;
using MnrEngine.Kernels.Tracing;

namespace MnrEngine.Trainer.Profiling;

/// <summary>Everything that watches a run: trace, profiler, NVTX ranges. Without any, the device's operations are used as they are.</summary>
internal sealed class RunProfile : IDisposable
{
    private readonly TraceFile? _trace;
    private readonly OperationTimes? _times;
    private readonly ProfiledSteps? _profiled;

    /// <summary>Begins to watch.</summary>
    /// <param name="kernels">The device. It is disposed of with <see cref="Kernels"/>, and at once when this fails.</param>
    /// <param name="options">What was asked for.</param>
    /// <exception cref="InputException">The device has no profiler, or the trace can't be written.</exception>
    public RunProfile(IKernels kernels, ProfilingOptions options)
    {
        try
        {
            List<IStepMarks> listeners = [];
            if (options.ProfileSteps is StepRange steps)
            {
                IProfilerCapture capture = kernels.ProfilerCapture
                    ?? throw new InputException($"--profile switches NVIDIA's profilers on and off and needs CUDA, but this run is on {kernels.Description}; --trace works everywhere");
                listeners.Add(_profiled = new ProfiledSteps(capture, steps));
            }

            if (NvtxRanges.Open() is NvtxRanges ranges)
            {
                listeners.Add(ranges);
            }

            if (options.Trace is string path)
            {
                _trace = new TraceFile(path, kernels.Description);
                StepRange? traced = options.TraceSteps;
                _times = new OperationTimes(kernels.CreateClock(), _trace.Add, traced is null ? null : step => step is int number && traced.Contains(number));
                listeners.Add(_times);
            }

            Kernels = listeners.Count > 0 ? new ObservedKernels(kernels, listeners) : kernels;
        }
        catch
        {
            kernels.Dispose();
            throw;
        }
    }

    /// <summary>The operations to run with.</summary>
    public IKernels Kernels { get; }

    /// <summary>Ends the watch and writes the trace, of however many steps there were.</summary>
    /// <param name="output">Is told where it is.</param>
    /// <exception cref="InputException">The trace can't be written.</exception>
    public void Finish(TextWriter output)
    {
        _profiled?.Dispose();
        if (_trace is null)
        {
            return;
        }

        _times!.Flush();
        _trace.Save();
        output.WriteLine($"the trace is in {_trace.FullPath}; ui.perfetto.dev and chrome://tracing show it");
        if (_trace.FirstStepLeftOut is int step)
        {
            output.WriteLine($"note: it has {TraceFile.MostOperations:N0} operations and ends before step {step}; --trace-steps FIRST..LAST chooses others");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _times?.Dispose();
        Kernels.Dispose();
    }
}
