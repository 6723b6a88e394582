using MnrEngine.Kernels.Cuda.Interop;
using MnrEngine.Kernels.Tracing;
using static MnrEngine.Kernels.Cuda.CudaStatus;

namespace MnrEngine.Kernels.Cuda;

/// <summary>For those who watch.</summary>
public sealed unsafe partial class CudaKernels : IProfilerCapture
{
    private bool _runsEveryStep;

    /// <inheritdoc/>
    public IProfilerCapture? ProfilerCapture => this;

    /// <inheritdoc/>
    public OperationClock CreateClock() => new CudaClock(_context);

    /// <inheritdoc/>
    public void RunEveryStep() => _runsEveryStep = true;

    void IProfilerCapture.Start()
    {
        _context.Synchronize();
        Check(CudaDriver.cuProfilerStart(), $"cuProfilerStart");
    }

    void IProfilerCapture.Stop()
    {
        _context.Synchronize();
        Check(CudaDriver.cuProfilerStop(), $"cuProfilerStop");
    }
}
