using MnrEngine.Kernels.Tracing;

namespace MnrEngine.Trainer.Profiling;

/// <summary>Lets the profiler that watches the process record some steps and nothing else.</summary>
internal sealed class ProfiledSteps(IProfilerCapture capture, StepRange steps) : IStepMarks, IDisposable
{
    private bool _isCapturing;
    private bool _isLast;

    public void BeginStep(int? step)
    {
        if (step is int number && steps.Contains(number))
        {
            _isLast = number == steps.Last;
            if (!_isCapturing)
            {
                capture.Start();
                _isCapturing = true;
            }
        }
    }

    public void EndStep()
    {
        if (_isLast)
        {
            Dispose();
        }
    }

    public void EnterPhase(StepPhase phase)
    {
    }

    public void EnterLayer(LayerName? layer)
    {
    }

    /// <summary>Ends the recording, if it has begun: the run may end before the last of the steps.</summary>
    public void Dispose()
    {
        if (_isCapturing)
        {
            _isCapturing = false;
            _isLast = false;
            capture.Stop();
        }
    }
}
