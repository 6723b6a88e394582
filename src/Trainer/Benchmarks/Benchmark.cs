using System.Diagnostics;
using MnrEngine.Data;
using MnrEngine.Data.Sampling;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Tracing;
using MnrEngine.Models;
using MnrEngine.Optimizers;
using MnrEngine.Serialization;
using MnrEngine.Text;
using MnrEngine.Trainer.Config;
using MnrEngine.Trainer.Runs;
using MnrEngine.Training;

namespace MnrEngine.Trainer.Benchmarks;

/// <summary>What to measure.</summary>
/// <param name="Steps">Training steps to time, or 0.</param>
/// <param name="Sentences">Sentences to encode, or 0.</param>
/// <param name="Tokenizing">Whether reading and tokenising the file is timed too.</param>
/// <param name="Breakdown">Whether steps and encoding are run once more with every operation timed.</param>
/// <param name="Encoder">How to run the model.</param>
internal sealed record BenchmarkOptions(int Steps, int Sentences, bool Tokenizing, bool Breakdown, EncoderOptions Encoder);

/// <summary>Times a model on this machine.</summary>
internal static class Benchmark
{
    // The first steps compile the code and touch the memory.
    private const int WarmupSteps = 3;
    private const int EncodingRuns = 3;

    // The backward pass multiplies with the weights twice as often as the forward pass.
    private const int TrainingFactor = 3;

    /// <summary>Measures.</summary>
    /// <param name="model">The model's folder, or its id on the hub.</param>
    /// <param name="data">A file of pairs.</param>
    /// <param name="options">What to measure.</param>
    /// <exception cref="InputException">The model or the file is wrong, or has too few rows.</exception>
    public static BenchmarkResult Run(string model, string data, BenchmarkOptions options)
    {
        TextDataset? dataset = options.Steps > 0 || options.Sentences > 0 ? TextDataset.Load(new DatasetSource(data)) : null;
        string folder = HubFiles.Model(model, options.Encoder.Log);
        PeakMeter? peak;
        string device;
        TokenizingFigures? tokenizing;
        TrainingFigures? training;
        EncodingFigures? encoding;
        using (IKernels kernels = Devices.Create(options.Encoder.Device))
        {
            device = kernels.Description;
            peak = kernels is CpuKernels cpu ? new PeakMeter(cpu) : null;
            peak?.Measure();
            using SentenceEncoder encoder = SentenceEncoder.Load(folder, kernels, training: options.Steps > 0, options.Encoder.MaxSequenceLength);
            tokenizing = options.Tokenizing ? TokenizingBenchmark.Run(data, encoder) : null;
            training = options.Steps > 0 ? Train(encoder, dataset!, options, peak) : null;
            encoding = options.Sentences > 0 ? Encode(encoder, dataset!, options, peak) : null;
        }

        (OperationBreakdown? trainingBreakdown, OperationBreakdown? encodingBreakdown) = options.Breakdown && dataset is not null ? BreakDown(folder, dataset, options) : default;
        return new BenchmarkResult(device, peak?.Highest, tokenizing, training, encoding, trainingBreakdown, encodingBreakdown, Process.GetCurrentProcess().PeakWorkingSet64);
    }

    /// <summary>Runs apart from the measurements, whose times must not have the timing of operations in them.</summary>
    private static (OperationBreakdown? Training, OperationBreakdown? Encoding) BreakDown(string folder, TextDataset dataset, BenchmarkOptions options)
    {
        List<TimedOperation> operations = [];
        IKernels device = Devices.Create(options.Encoder.Device);
        using OperationTimes times = new(device.CreateClock(), timed => operations.AddRange(timed), static step => step is not <= WarmupSteps);
        using ObservedKernels kernels = new(device, [times]);
        using SentenceEncoder encoder = SentenceEncoder.Load(folder, kernels, training: options.Steps > 0, options.Encoder.MaxSequenceLength);
        OperationBreakdown? training = null;
        if (options.Steps > 0)
        {
            Train(encoder, dataset, options, peak: null);
            times.Flush();
            training = OperationBreakdown.Of(operations);
            operations.Clear();
        }

        if (options.Sentences == 0)
        {
            return (training, null);
        }

        Encode(encoder, dataset, options, peak: null);
        times.Flush();
        return (training, OperationBreakdown.Of(operations));
    }

    private static TrainingFigures Train(SentenceEncoder encoder, TextDataset dataset, BenchmarkOptions options, PeakMeter? peak)
    {
        int batchSize = options.Encoder.BatchSize;
        using TrainingData data = new(dataset, encoder);
        data.Tokenize();
        SequentialSampler sampler = new(dataset.Count, batchSize, dropLast: true);
        TrainingOptions settings = new()
        {
            BatchSize = batchSize,
            MaxSteps = WarmupSteps + options.Steps,
            Optimizer = new OptimizerOptions(LearningRate: 2e-5, WeightDecay: 0.01, MaxGradientNorm: 1),
            ReportEverySteps = 1,
        };
        StepTimer timer = new(options.Steps, peak);
        peak?.Restart();
        using (MnrEngine.Training.Trainer trainer = new(encoder, data, sampler, settings, [], timer))
        {
            trainer.Run(CancellationToken.None);
        }

        List<int[]> batches = [.. Enumerable.Range(0, int.MaxValue).SelectMany(sampler.Epoch).Skip(WarmupSteps).Take(options.Steps)];
        double tokens = timer.Steps.Average(static step => step.Tokens);
        double[] seconds = [.. timer.Steps.Select(static step => step.Seconds).Order()];
        return new TrainingFigures(
            options.Steps,
            batchSize,
            seconds[seconds.Length / 2],
            seconds[0],
            tokens,
            batches.Average(rows => Enumerable.Range(0, data.Columns).Sum(column => (double)rows.Length * rows.Max(row => data[column, row].Length))),
            batches.Average(rows => (double)rows.Length * data.Columns * encoder.Description.MaxSequenceLength),
            TrainingFactor * tokens * FlopsPerToken(encoder.Description.Transformer),
            peak?.Median,
            peak?.MedianSustained,
            timer.AllocatedBytes / options.Steps,
            timer.DeviceBytes);
    }

    private static EncodingFigures Encode(SentenceEncoder encoder, TextDataset dataset, BenchmarkOptions options, PeakMeter? peak)
    {
        string[] sentences = [.. dataset.Columns.SelectMany(static column => column).Take(options.Sentences)];
        TokenizedTexts tokens = encoder.TokenizeForEncoding(sentences);
        using SentenceNetwork network = encoder.PlanInference(LoadedEncoder.TokensOfBatch, options.Encoder.BatchSize);
        NetworkEmbedder embedder = new(network);
        double best = double.PositiveInfinity;
        peak?.Restart();
        for (int run = 0; run < EncodingRuns; run++)
        {
            peak?.Measure();
            long start = Stopwatch.GetTimestamp();
            embedder.Embed(tokens);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        long count = tokens.TokenIds.Length;
        return new EncodingFigures(
            sentences.Length, best, count, (long)sentences.Length * encoder.Description.MaxSequenceLength, count * FlopsPerToken(encoder.Description.Transformer), peak?.Median,
            peak?.MedianSustained);
    }

    /// <summary>The operations that a token takes in the products with weights of a forward pass: four of (hidden, hidden) and two of (hidden, intermediate) in each layer.</summary>
    private static double FlopsPerToken(TransformerConfiguration transformer)
    {
        double hidden = transformer.HiddenSize;
        return 2 * transformer.NumHiddenLayers * ((4 * hidden * hidden) + (2 * hidden * transformer.IntermediateSize));
    }

    /// <summary>Collects the steps after the warm-up, and what they allocate; measures the processor's peak between them.</summary>
    private sealed class StepTimer(int steps, PeakMeter? peak) : ITrainingObserver
    {
        private long _allocatedBefore;

        public List<StepRecord> Steps { get; } = new(steps);

        public long AllocatedBytes { get; private set; }

        public long DeviceBytes { get; private set; }

        public void Started(RunPlan plan) => DeviceBytes = plan.DeviceBytes;

        public void Tokenized(int truncatedSentences)
        {
        }

        public void StepsFinished(IReadOnlyList<StepRecord> steps)
        {
            peak?.Measure();
            long allocated = GC.GetTotalAllocatedBytes(precise: true);
            if (steps[0].Step <= WarmupSteps)
            {
                _allocatedBefore = allocated;
                return;
            }

            AllocatedBytes = allocated - _allocatedBefore;
            Steps.AddRange(steps);
        }

        public void Evaluated(EvaluationRecord evaluation)
        {
        }

        public void CheckpointWritten(int step, string folder)
        {
        }
    }
}
