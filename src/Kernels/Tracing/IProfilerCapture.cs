namespace MnrEngine.Kernels.Tracing;

/// <summary>Switches a profiler that watches the process on and off (cuProfilerStart, cuProfilerStop). Without a profiler nothing happens.</summary>
public interface IProfilerCapture
{
    /// <summary>Waits for the device, then lets the profiler record.</summary>
    void Start();

    /// <summary>Waits for the device, then lets the profiler record no more.</summary>
    void Stop();
}
