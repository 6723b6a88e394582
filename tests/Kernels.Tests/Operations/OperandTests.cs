using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>An operand of the wrong shape, type or place is refused in words that name the operation and the operand.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class OperandTests(KernelTarget target)
{
    private Device _device = null!;
    private IKernels _kernels = null!;
    private DeviceBatch _batch;

    [SetUp]
    public void SetUp()
    {
        _device = new Device(target);
        _kernels = _device.Kernels;
        _batch = _device.Batch([2, 3]);
    }

    [TearDown]
    public void TearDown() => _device.Dispose();

    [Test]
    public void AWrongShapeIsNamedWithTheOneExpected() =>
        Refused(
            () => _kernels.Linear(Of(4, 8), Layer(6, 8), Of(5, 6)),
            "Linear", "'output'", "5 x 6 Float32", "expected 4 x 6 Float32");

    [Test]
    public void AWrongTypeIsRefused()
    {
        using DeviceArena arena = _kernels.CreateArena("integers", 1024);
        Tensor integers = arena.Allocate(ElementType.Int32, 4, 8);
        Refused(() => _kernels.Linear(integers, Layer(6, 8), Of(4, 6)), "Linear", "'input'", "4 x 8 Int32 in 'integers'");
    }

    [Test]
    public void AMissingOperandIsRefused() =>
        Refused(() => _kernels.Linear(Tensor.None, Layer(6, 8), Of(4, 6)), "Linear", "'input'", "none");

    [Test]
    public void AMissingGradientOfAParameterIsRefused()
    {
        LinearParameters frozen = new(new Parameter(Of(6, 8), Tensor.None), Parameter.None);
        Refused(() => _kernels.LinearBackward(Of(4, 8), frozen, Of(4, 6), Tensor.None, false, false), "LinearBackward", "the gradient of operand 'linear.Weight'", "none");
    }

    [Test]
    public void AnotherImplementationsMemoryIsRefused()
    {
        using ForeignArena arena = new();
        Refused(() => _kernels.Fill(arena.Allocate(ElementType.Float32, 1, 1), 0), "Fill", "'destination'", "foreign");
    }

    [Test]
    public void ATensorBeyondItsArenaIsRefused()
    {
        Tensor tensor = Of(4, 8);
        Refused(() => _kernels.Fill(tensor with { Offset = tensor.Arena!.Bytes - 4 }, 0), "Fill", "inside the arena");
    }

    [Test]
    public void AnOutputOverAnInputIsRefused()
    {
        Tensor both = Of(8, 8);
        Refused(() => _kernels.Linear(both.FirstRows(4), Layer(8, 8), both.Slice(3, 4)), "Linear", "'output'", "overlaps operand 'input'");
    }

    [Test]
    public void EveryOperationChecksItsOperands()
    {
        Dropout none = Dropout.None;
        LinearParameters layer = Layer(6, 8);
        NormParameters norm = Norm(6);
        EmbeddingParameters tables = new(OfParameter(9, 6), OfParameter(4, 6), Parameter.None, norm);
        RankingLossOptions loss = new();
        Tensor one = Of(1, 1);

        Refused(() => _kernels.Write(Of(2, 3), new float[5]), "Write", "'destination'");
        Refused(() => _kernels.Write(Of(2, 3), new int[6]), "Write", "'destination'");
        Refused(() => _kernels.Read(Of(2, 3), new float[7]), "Read", "'source'");
        Refused(() => _kernels.Read(_batch.TokenIds, new float[5]), "Read", "'source'");
        Refused(() => _kernels.Copy(Of(2, 3), Of(2, 4)), "Copy", "'destination'");
        Refused(() => _kernels.Fill(_batch.TokenIds, 0), "Fill", "'destination'");
        Refused(() => _kernels.Upload(new PackedBatch()), "Upload", "'batch'");
        Refused(() => _kernels.EmbedNorm(_batch, tables, none, Tensor.None, Tensor.None, Of(5, 7)), "EmbedNorm", "'output'");
        Refused(() => _kernels.EmbedNorm(_batch, tables with { Norm = Norm(7) }, none, Tensor.None, Tensor.None, Of(5, 6)), "EmbedNorm", "'norm.Weight'");
        Refused(() => _kernels.EmbedNorm(default, tables, none, Tensor.None, Tensor.None, Of(5, 6)), "EmbedNorm", "'batch.TokenIds'");
        Refused(() => _kernels.EmbedNormBackward(_batch, tables, none, Tensor.None, Of(5, 1), Of(5, 6), false), "EmbedNormBackward", "'normalized'");
        Refused(() => _kernels.Linear(Of(5, 7), layer, Of(5, 6)), "Linear", "'linear.Weight'");
        Refused(() => _kernels.Linear(Of(5, 8), layer with { Bias = OfParameter(1, 5) }, Of(5, 6)), "Linear", "'linear.Bias'");
        Refused(() => _kernels.LinearBackward(Of(5, 8), layer, Of(5, 6), Of(5, 7), false, false), "LinearBackward", "'inputGradient'");
        Refused(() => _kernels.LinearActivation(Of(5, 8), layer, Activation.Gelu, Of(5, 5), Of(5, 6)), "LinearActivation", "'preactivation'");
        Refused(() => _kernels.LinearActivation(Of(5, 8), layer, (Activation)99, Of(5, 6), Of(5, 6)), "LinearActivation", "'activation'");
        Refused(() => _kernels.LinearActivationBackward(Of(5, 8), layer, Activation.Gelu, Tensor.None, Of(5, 6), Of(5, 8), false, false), "LinearActivationBackward", "'preactivation'");
        Refused(() => _kernels.LinearDropoutAddNorm(Of(5, 8), layer, none, Of(4, 6), norm, Tensor.None, Tensor.None, Of(5, 6)), "LinearDropoutAddNorm", "'residual'");
        Refused(() => _kernels.LinearDropoutAddNorm(Of(5, 8), layer, new Dropout(1f, 0, Tensor.None), Of(5, 6), norm, Tensor.None, Tensor.None, Of(5, 6)), "LinearDropoutAddNorm", "'dropout probability'");
        Refused(() => _kernels.LinearDropoutAddNorm(Of(5, 8), layer, new Dropout(0.1f, 0, Tensor.None), Of(5, 6), norm, Tensor.None, Tensor.None, Of(5, 6)), "LinearDropoutAddNorm", "'dropout.State'");
        Refused(() => _kernels.LinearDropoutAddNormBackward(Of(5, 8), layer, none, norm, Of(5, 6), Of(5, 2), Of(5, 6), Of(5, 8), Of(5, 6), false), "LinearDropoutAddNormBackward", "'inverseDeviation'");
        Refused(() => _kernels.Attention(_batch, Of(5, 24), 3, Tensor.None, none, Tensor.None, Of(5, 8)), "Attention", "'context'", "3 heads");
        Refused(() => _kernels.Attention(_batch, Of(5, 23), 2, Tensor.None, none, Tensor.None, Of(5, 8)), "Attention", "'queryKeyValue'");
        Refused(() => _kernels.Attention(_batch, Of(5, 24), 2, Of(4, 2), none, Tensor.None, Of(5, 8)), "Attention", "'bias'", "longest sentence");
        Refused(() => _kernels.AttentionBackward(_batch, Of(5, 24), 2, Tensor.None, none, Of(5, 1), Of(5, 8), Of(5, 8), Of(5, 24), Tensor.None), "AttentionBackward", "'logSumExp'");
        Refused(() => _kernels.AttentionBackward(_batch, Of(5, 24), 2, Tensor.None, none, Of(5, 2), Of(5, 8), Of(5, 8), Of(5, 24), Of(6, 3)), "AttentionBackward", "'biasGradient'");
        Refused(() => _kernels.RelativeBias(OfParameter(31, 2), Of(6, 3)), "RelativeBias", "'table'", "32 x 2 Float32");
        Refused(() => _kernels.RelativeBias(OfParameter(32, 2), Of(3, 3)), "RelativeBias", "'bias'", "6 x 3 Float32");
        Refused(() => _kernels.RelativeBiasBackward(new Parameter(Of(32, 2), Tensor.None), Of(6, 3), false), "RelativeBiasBackward", "the gradient of operand 'table'");
        Refused(() => _kernels.RelativeBiasBackward(OfParameter(32, 2), Of(6, 4), false), "RelativeBiasBackward", "'biasGradient'");
        Refused(() => _kernels.Pool(_batch, PoolingModes.Mean | PoolingModes.Cls, Of(5, 6), Of(2, 6)), "Pool", "'pooled'");
        Refused(() => _kernels.Pool(_batch, PoolingModes.None, Of(5, 6), Of(2, 6)), "Pool", "'modes'");
        Refused(() => _kernels.PoolBackward(_batch, PoolingModes.Mean, Of(5, 6), Of(2, 6), Of(4, 6)), "PoolBackward", "'hiddenGradient'");
        Refused(() => _kernels.Normalize(Of(5, 6), Of(4, 1), Of(5, 6)), "Normalize", "'length'");
        Refused(() => _kernels.NormalizeBackward(Of(5, 6), Tensor.None, Of(5, 6), Of(5, 6)), "NormalizeBackward", "'length'");
        Refused(() => _kernels.RankingLoss(Of(5, 6), 2, loss, 1, one, Tensor.None, false), "RankingLoss", "'embeddings'");
        Refused(() => _kernels.RankingLoss(Of(4, 6), 4, loss, 1, one, Tensor.None, false), "RankingLoss", "'embeddings'");
        Refused(() => _kernels.RankingLoss(Of(4, 6), 0, loss, 1, one, Tensor.None, false), "RankingLoss", "'embeddings'");
        Refused(() => _kernels.RankingLoss(Of(4, 6), 2, loss with { Scale = 0 }, 1, one, Tensor.None, false), "RankingLoss", "'scale'");
        Refused(() => _kernels.RankingLoss(Of(4, 6), 2, loss with { Directions = RankingDirections.QueryToQuery }, 1, one, Tensor.None, false), "RankingLoss", "'directions'");
        Refused(
            () => _kernels.RankingLoss(
                Of(4, 6), 2, loss with { Directions = RankingDirections.QueryToDocument | RankingDirections.QueryToQuery, Partition = RankingPartition.PerDirection }, 1, one, Tensor.None, false),
            "RankingLoss", "'directions'");
        Refused(() => _kernels.RankingLoss(Of(4, 6), 2, loss, 1, Of(1, 2), Tensor.None, false), "RankingLoss", "'loss'");
        Refused(() => _kernels.TruncateNormalize(Of(5, 6), Of(5, 1), Of(5, 7)), "TruncateNormalize", "'output'", "at most the input's 6 columns");
        Refused(() => _kernels.TruncateNormalizeBackward(Of(5, 4), Of(5, 1), Of(5, 4), Of(5, 3), false), "TruncateNormalizeBackward", "'inputGradient'");
        LinearParameters classifier = Layer(3, 18);
        const PairFeatures Usual = PairFeatures.Embeddings | PairFeatures.Difference;
        Tensor two = _device.Integers([0, 2]);
        Refused(() => _kernels.SoftmaxLoss(Of(5, 6), two, classifier, Usual, 1, Of(2, 3), one, Tensor.None, false), "SoftmaxLoss", "'embeddings'");
        Refused(() => _kernels.SoftmaxLoss(Of(4, 6), Of(1, 2), classifier, Usual, 1, Of(2, 3), one, Tensor.None, false), "SoftmaxLoss", "'labels'", "Int32");
        Refused(() => _kernels.SoftmaxLoss(Of(4, 6), two, classifier, 0, 1, Of(2, 3), one, Tensor.None, false), "SoftmaxLoss", "'features'");
        Refused(() => _kernels.SoftmaxLoss(Of(4, 6), two, classifier, PairFeatures.Embeddings, 1, Of(2, 3), one, Tensor.None, false), "SoftmaxLoss", "'classifier.Weight'");
        Refused(() => _kernels.SoftmaxLoss(Of(4, 6), two, classifier, Usual, 1, Of(1, 3), one, Tensor.None, false), "SoftmaxLoss", "'logits'");
        Refused(() => _kernels.SoftmaxLoss(Of(4, 6), two, classifier, Usual, 1, Of(2, 3), one, Of(4, 5), false), "SoftmaxLoss", "'embeddingsGradient'");
        Refused(() => _kernels.CosineSimilarityLoss(Of(4, 6), Of(1, 4), default, 1, one, Tensor.None, false), "CosineSimilarityLoss", "'labels'", "1 x 2 Float32");
        Refused(() => _kernels.CosentLoss(Of(4, 6), Of(1, 2), 0, Similarity.Cosine, 1, one, Tensor.None, false), "CosentLoss", "'scale'");
        Refused(() => _kernels.CosentLoss(Of(3, 6), Of(1, 2), 1, Similarity.Cosine, 1, one, Tensor.None, false), "CosentLoss", "'embeddings'");
        Refused(() => _kernels.GlobalNorm(Of(4, 6), 0, one, Of(1, 1)), "GlobalNorm", "'maximum'");
        Refused(() => _kernels.GlobalNorm(Of(4, 6), 1, one, one), "GlobalNorm", "'clipFactor'");
        Refused(() => _kernels.Adam(new AdamState(Of(1, 63), Of(1, 63), Of(1, 63), Of(1, 63), one), default, Of(1, 4), one), "Adam", "'state.Weights'");
        Refused(() => _kernels.Adam(new AdamState(Of(1, 64), Of(1, 64), Of(1, 64), Of(1, 64), Of(1, 2)), default, Of(1, 4), one), "Adam", "'state.BlockDecay'");
        Refused(() => _kernels.Adam(new AdamState(Of(1, 64), Of(1, 64), Of(1, 64), Of(1, 64), one), default, Of(1, 3), one), "Adam", "'rates'");
    }

    private static void Refused(Action action, params string[] words)
    {
        ArgumentException? refusal = Assert.Throws<ArgumentException>(() => action());
        foreach (string word in words)
        {
            Assert.That(refusal!.Message, Does.Contain(word));
        }
    }

    private Tensor Of(int rows, int columns) => _device.Output(rows, columns);

    private Parameter OfParameter(int rows, int columns) => new(Of(rows, columns), Of(rows, columns));

    private LinearParameters Layer(int outputs, int inputs) => new(OfParameter(outputs, inputs), OfParameter(1, outputs));

    private NormParameters Norm(int columns) => new(OfParameter(1, columns), OfParameter(1, columns), 1e-12f);

    private sealed class ForeignArena() : DeviceArena("foreign", 256, 4096)
    {
        protected override void Release()
        {
        }
    }
}
