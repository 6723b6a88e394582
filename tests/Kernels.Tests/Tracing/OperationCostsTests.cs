using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Tests.Operations;
using MnrEngine.Kernels.Tracing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Tracing;

/// <summary>Bytes and floating-point operations, counted by hand: 5 tokens in sentences of 2 and 3, hidden 8, intermediate 16, 2 heads.</summary>
public sealed class OperationCostsTests
{
    private const int Tokens = 5;
    private const int Hidden = 8;
    private const int Wide = 16;
    private const int Heads = 2;
    private const int SquaredLengths = (2 * 2) + (3 * 3);

    private readonly RecordedOperations _recorded = new();
    private ObservedKernels _kernels = null!;
    private Device _device = null!;
    private DeviceBatch _batch;

    [SetUp]
    public void SetUp()
    {
        _kernels = new ObservedKernels(new CpuKernels(1), [_recorded]);
        _kernels.Plan(new StepLimits(Tokens, 2, 3, Hidden, Wide, Heads, Hidden, Backward: true));
        _device = new Device(_kernels);
        _batch = _device.Batch([2, 3]);
    }

    [TearDown]
    public void TearDown()
    {
        _device.Dispose();
        _kernels.Dispose();
    }

    [Test]
    public void AProductIsAMultiplyAndAnAddForEachPairAndEachOperandOnce()
    {
        _kernels.Linear(_device.Zeros(Tokens, Hidden), Weights(Wide, Hidden), _device.Output(Tokens, Wide));

        const int Floats = (Tokens * Hidden) + (Wide * Hidden) + Wide + (Tokens * Wide);
        Assert.That(_recorded.Costs["Linear"], Is.EqualTo(new OperationCost(4 * Floats, (2 * Tokens * Wide * Hidden) + (Tokens * Wide))));
    }

    [Test]
    public void ABackwardPassHasTwoProductsAndWithoutAnInputGradientOne()
    {
        LinearParameters parameters = Weights(Wide, Hidden);
        Tensor input = _device.Zeros(Tokens, Hidden);
        Tensor gradient = _device.Zeros(Tokens, Wide);

        _kernels.LinearBackward(input, parameters, gradient, _device.Zeros(Tokens, Hidden), addToInputGradient: false, accumulate: false);
        OperationCost both = _recorded.Costs["LinearBackward"];
        _kernels.LinearBackward(input, parameters, gradient, Tensor.None, addToInputGradient: false, accumulate: false);

        const int Product = 2 * Tokens * Wide * Hidden;
        Assert.That((both.Flops, _recorded.Costs["LinearBackward"].Flops), Is.EqualTo(((2L * Product) + (Tokens * Wide), Product + (long)(Tokens * Wide))));
    }

    [Test]
    public void AttentionCountsOnlyPairsOfTokensOfOneSentence()
    {
        _kernels.Attention(_batch, _device.Zeros(Tokens, 3 * Hidden), Heads, Tensor.None, Dropout.None, _device.Output(Tokens, Heads), _device.Output(Tokens, Hidden));

        // Two products, and for each score scale, maximum, exp, sum, division and dropout.
        const int Flops = SquaredLengths * ((4 * Hidden) + (Heads * 6));
        const int Floats = (Tokens * 3 * Hidden) + (Tokens * Heads) + (Tokens * Hidden);
        Assert.That(_recorded.Costs["Attention"], Is.EqualTo(new OperationCost(4 * Floats, Flops)));
    }

    [Test]
    public void AdamReadsFourArraysAndWritesThree()
    {
        const int Length = 2 * AdamState.BlockLength;
        AdamState state = new(_device.Zeros(1, Length), _device.Zeros(1, Length), _device.Zeros(1, Length), _device.Zeros(1, Length), _device.Zeros(1, 2));

        _kernels.Adam(state, new AdamOptions(0.9, 0.999, 1e-8, DecoupledDecay: true), _device.Zeros(1, 4), _device.Scalar(1));

        Assert.That(_recorded.Costs["Adam"].Bytes, Is.EqualTo((7 * 4 * Length) + (2 * 4)));
    }

    [Test]
    public void TheRankingLossHasThreeProductsWithItsGradientAndOneWithout()
    {
        const int Queries = 3;
        Tensor embeddings = _device.Float(Array2.Random(2 * Queries, Hidden, new Random(1)));
        RankingLossOptions options = new(Similarity: Similarity.Dot);

        _kernels.RankingLoss(embeddings, Queries, options, 1, _device.Output(1, 1), _device.Output(2 * Queries, Hidden), accumulate: false);
        OperationCost both = _recorded.Costs["RankingLoss"];
        _kernels.RankingLoss(embeddings, Queries, options, 1, _device.Output(1, 1), Tensor.None, accumulate: false);

        const int Product = 2 * Queries * Queries * Hidden;
        Assert.That((both.Flops, _recorded.Costs["RankingLoss"].Flops), Is.EqualTo(((3L * Product) + (11 * Queries * Queries), Product + (5L * Queries * Queries))));
    }

    private LinearParameters Weights(int outputs, int inputs) => new(_device.Parameter(new Array2(outputs, inputs)), _device.Parameter(new Array2(1, outputs)));
}
