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
    private readonly List<double> _sustained = [];

    /// <summary>The highest peak ever, in floating-point operations a second.</summary>
    public double Highest { get; private set; }

    /// <summary>The median of the peaks since <see cref="Restart"/>: of the best of a few runs of less than a millisecond.</summary>
    public double Median => MedianOf(_peaks);

    /// <summary>The median of what the same loop kept up for some fifty milliseconds.</summary>
    public double MedianSustained => MedianOf(_sustained);

    /// <summary>Begins a new measurement.</summary>
    public void Restart()
    {
        _peaks.Clear();
        _sustained.Clear();
        Measure();
    }

    /// <summary>Measures, for some tens of milliseconds.</summary>
    public void Measure()
    {
        double peak = kernels.MeasurePeak();
        _peaks.Add(peak);
        _sustained.Add(kernels.MeasureSustainedPeak());
        Highest = Math.Max(Highest, peak);
    }

    private static double MedianOf(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
