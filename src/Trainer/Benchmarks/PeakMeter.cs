using MnrEngine.Kernels.Cpu;

namespace MnrEngine.Trainer.Benchmarks;

/// <summary>
/// The processor's peak of fused multiply-adds, measured in turn with what is held against it and on the same threads: clocks change with the load, and on a
/// shared machine with the neighbours', so that a peak measured at another time says little.
/// </summary>
/// <param name="kernels">What computes.</param>
internal sealed class PeakMeter(CpuKernels kernels)
{
    private readonly List<double> _peaks = [];

    /// <summary>The highest peak ever, in floating-point operations a second.</summary>
    public double Highest { get; private set; }

    /// <summary>The median of the peaks since <see cref="Restart"/>.</summary>
    public double Median
    {
        get
        {
            double[] sorted = [.. _peaks.Order()];
            return sorted[sorted.Length / 2];
        }
    }

    /// <summary>Begins a new measurement.</summary>
    public void Restart()
    {
        _peaks.Clear();
        Measure();
    }

    /// <summary>Measures, for a few milliseconds.</summary>
    public void Measure()
    {
        double peak = kernels.MeasurePeak();
        _peaks.Add(peak);
        Highest = Math.Max(Highest, peak);
    }
}
