using MnrEngine.Kernels.Cuda;
using MnrEngine.Kernels.Tests.Operations;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cuda;

/// <summary>What holds for the CUDA implementation beyond the contract, whatever the GPU's size and the order in which it does what it may.</summary>
[TestFixtureSource(nameof(Settings))]
internal sealed class CudaKernelsTests(HostSettings settings)
{
    private const int Runs = 7;

    private static readonly CudaOptions ExactShapes = KernelTarget.ExactShapes;

    public static IEnumerable<HostSettings> Settings =>
        [HostSettings.Usual, .. HostSettings.OnTheHost(HostSettings.LargeGpu, HostSettings.LateStreams, HostSettings.RandomOrder)];

    [Test]
    public void AStepRepeatsBitForBit()
    {
        List<Array2> first = After(1, ExactShapes);
        List<Array2> second = After(1, ExactShapes);
        AssertSame(second, first);
    }

    [Test]
    public void AReplayedStepGivesTheBytesOfOneThatIsRun()
    {
        // Two slots take turns, each with a key of its own: two steps are run, two recorded, three replayed.
        using CudaKernels kernels = Create(ExactShapes);
        using OperationSequence recorded = new(kernels);
        for (int run = 0; run < Runs; run++)
        {
            recorded.Run();
        }

        Assert.That(kernels.ReplayedSteps, Is.EqualTo(3));
        AssertSame(recorded.Results(), After(Runs, ExactShapes with { RecordSteps = false }));
    }

    [Test]
    public void RecordedStepsAreForgottenWhenMemoryMoves()
    {
        using CudaKernels kernels = Create(ExactShapes);
        using OperationSequence sequence = new(kernels);
        for (int run = 0; run < Runs; run++)
        {
            sequence.Run();
        }

        kernels.CreateArena("passing", 1024).Dispose();
        long before = kernels.ReplayedSteps;
        sequence.Run();
        Assert.That(kernels.ReplayedSteps, Is.EqualTo(before));
    }

    [Test]
    public void AReplayedStepChecksItsBatch()
    {
        using CudaKernels kernels = Create(ExactShapes);
        using Device device = new(kernels, ownsKernels: false);
        EmbeddingParameters parameters = new(
            device.Parameter(new Array2(20, 16)), device.Parameter(new Array2(8, 16)), Parameter.None,
            new NormParameters(device.Parameter(Array2.Filled(1, 16, 1)), device.Parameter(new Array2(1, 16)), 1e-5f));
        Tensor output = device.Output(2, 16);
        for (int step = 0; step < 6; step++)
        {
            Run([4, 19]);
        }

        Assert.That(kernels.ReplayedSteps, Is.Positive);
        Assert.That(() => Run([4, 20]), Throws.ArgumentException.With.Message.Contains("token id 20"));

        void Run(int[] sentence)
        {
            DeviceBatch batch = device.Batch([sentence]);
            if (kernels.BeginStep(new StepKey(0, batch.TokenRows, batch.Sentences, batch.LongestSentence, batch.Slot)))
            {
                kernels.EmbedNorm(batch, parameters, Dropout.None, Tensor.None, Tensor.None, output);
            }

            kernels.EndStep();
        }
    }

    [Test]
    public void AStepAllocatesNothing()
    {
        using OperationSequence sequence = new(Create(ExactShapes));
        for (int run = 0; run < Runs; run++)
        {
            sequence.Run();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        sequence.Run();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero, "replayed");
    }

    [Test]
    public void AStepThatIsNotRecordedAllocatesNothing()
    {
        using OperationSequence sequence = new(Create(ExactShapes with { RecordSteps = false }));
        sequence.Run();
        sequence.Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        sequence.Run();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void NoWorkspaceGrowsInsideAStep()
    {
        using CudaKernels kernels = Create(ExactShapes);
        using OperationSequence sequence = new(kernels);
        long planned = kernels.WorkspaceBytes;

        sequence.Run();

        Assert.That(planned, Is.Positive);
        Assert.That(kernels.WorkspaceBytes, Is.EqualTo(planned));
    }

    [Test]
    public void SpareRowsAreZeroBehindEveryOperationThatGoesBySentences([Values(CudaPrecision.Float32, CudaPrecision.BFloat16)] CudaPrecision precision)
    {
        const int Tokens = 43;
        const int Rows = 64;
        const int Hidden = 16;
        using Device device = new(Create(new CudaOptions(Precision: precision)));
        IKernels kernels = device.Kernels;
        Random random = new(3);
        kernels.Plan(new StepLimits(Tokens, 3, 50, Hidden, Hidden, 2, Hidden, Backward: true));
        DeviceBatch batch = device.Batch([5, 36, 2], vocabulary: 9);
        Assert.That((batch.Tokens, batch.TokenRows, batch.LongestSentence), Is.EqualTo((Tokens, Rows, 50)), "rounded up, but not beyond the longest planned");
        EmbeddingParameters parameters = new(
            device.Parameter(Array2.Random(9, Hidden, random)), device.Parameter(Array2.Random(40, Hidden, random)), Parameter.None,
            new NormParameters(device.Parameter(Array2.Filled(1, Hidden, 1)), device.Parameter(Array2.Filled(1, Hidden, 0.5)), 1e-5f));
        Tensor normalized = device.ActivationOutput(Rows, Hidden);
        Tensor inverseDeviation = device.Output(Rows, 1);
        Tensor embedded = device.ActivationOutput(Rows, Hidden);
        Tensor queryKeyValue = device.Activations(Array2.Random(Rows, 3 * Hidden, random));
        Tensor logSumExp = device.Output(Rows, 2);
        Tensor context = device.ActivationOutput(Rows, Hidden);
        Tensor hiddenGradient = device.ActivationOutput(Rows, Hidden);
        Tensor gradient = device.ActivationOutput(Rows, 3 * Hidden);

        kernels.EmbedNorm(batch, parameters, Dropout.None, normalized, inverseDeviation, embedded);
        kernels.Attention(batch, queryKeyValue, 2, Tensor.None, Dropout.None, logSumExp, context);
        kernels.PoolBackward(batch, PoolingModes.Mean, context, device.Float(Array2.Random(3, Hidden, random)), hiddenGradient);
        kernels.AttentionBackward(batch, queryKeyValue, 2, Tensor.None, Dropout.None, logSumExp, context, hiddenGradient, gradient, Tensor.None);

        foreach (Tensor tensor in (Tensor[])[normalized, embedded, context, hiddenGradient, gradient])
        {
            Array2 values = device.Read(tensor);
            Assert.That(values.RowsOf(Tokens, Rows - Tokens).Values, Has.All.Zero);
            Assert.That(values.RowsOf(0, Tokens).Values, Has.All.Matches<double>(double.IsFinite));
            Assert.That(values.RowsOf(0, Tokens).Norm, Is.Positive);
        }
    }

    [Test]
    public void TheOptimizerWritesTheCopiesOfWeightsThatProductsRead()
    {
        using Device device = new(Create(ExactShapes with { Precision = CudaPrecision.BFloat16 }));
        Array2 start = Array2.Random(1, 192, new Random(4));
        Tensor weights = device.Float(start);
        device.Kernels.PublishWeights(weights);
        AdamState state = new(weights.View(0, 1, 128), device.Float(Array2.Filled(1, 128, 1)), device.Zeros(1, 128), device.Zeros(1, 128), device.Zeros(1, 2));
        Tensor rates = device.Float([0.5f, 0.5f, 1f, 0f], 1, 4);
        LinearParameters trained = new(new Parameter(weights.View(0, 16, 8), Tensor.None), Parameter.None);
        LinearParameters untrained = new(new Parameter(weights.View(128, 8, 8), Tensor.None), Parameter.None);
        Tensor identity = device.Activations(Array2.Identity(8));

        device.Kernels.Adam(state, new AdamOptions(0, 0, 1e-8, true), rates, device.Scalar(1));
        device.Kernels.PublishWeights(weights);
        Tensor moved = device.ActivationOutput(8, 16);
        Tensor kept = device.ActivationOutput(8, 8);
        device.Kernels.Linear(identity, trained, moved);
        device.Kernels.Linear(identity, untrained, kept);

        Array2 after = device.Read(weights);
        Assert.That(after.Values[0], Is.EqualTo(start.Values[0] - 0.5).Within(1e-6), "Adam moves by the rate");
        Assert.That(device.Read(moved).Values, Is.EqualTo(Transposed(after.Values[..128], 8).Select(HalfPrecision.Round)));
        Assert.That(device.Read(kept).Values, Is.EqualTo(Transposed(start.Values[128..], 8).Select(HalfPrecision.Round)));

        static IEnumerable<double> Transposed(double[] matrix, int columns) =>
            from column in Enumerable.Range(0, columns) from row in Enumerable.Range(0, matrix.Length / columns) select matrix[(row * columns) + column];
    }

    [Test]
    public void TheDescriptionTellsGpuPrecisionAndWhereTheKernelsComeFrom()
    {
        using CudaKernels kernels = Create(new CudaOptions(Precision: CudaPrecision.TensorFloat32));
        Assert.That(kernels.Description, Does.Match(@"^GPU 0 \(.*\), compute capability [0-9.]+, tf32, kernels (compiled by NVRTC [0-9.]+ for (sm|compute)_[0-9]+( before)?|of kernels.fatbin)$"));
    }

    private CudaKernels Create(CudaOptions options) => CudaTarget.Create(options, settings);

    private List<Array2> After(int runs, CudaOptions options)
    {
        using OperationSequence sequence = new(Create(options));
        for (int run = 0; run < runs; run++)
        {
            sequence.Run();
        }

        return sequence.Results();
    }

    private static void AssertSame(List<Array2> actual, List<Array2> expected)
    {
        Assert.That(actual, Has.Count.EqualTo(expected.Count));
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.That(actual[i].Values, Has.All.Matches<double>(double.IsFinite), $"result {i}");
            Assert.That(actual[i].Values, Is.EqualTo(expected[i].Values), $"result {i}");
        }
    }
}
