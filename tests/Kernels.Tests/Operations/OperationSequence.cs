namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>
/// Every operation once, forward and backward, with dropout, on sentences of 1 to 70 tokens and widths that no register divides: a training step with all that the
/// contract has. For what has to hold of all operations together.
/// </summary>
internal sealed class OperationSequence : IDisposable
{
    private const int Hidden = 120;
    private const int Intermediate = 203;
    private const int Heads = 3;
    private const int Vocabulary = 300;
    private const int Queries = 7;
    private const int Pairs = 10;

    private static readonly RankingLossOptions RankingLoss =
        new(Directions: RankingDirections.QueryToDocument | RankingDirections.DocumentToQuery, Hardness: RankingHardness.AllNegatives, HardnessStrength: 2);

    private static readonly int[] Lengths = [13, 1, 70, 8, 33, 2, 16, 17, 5, 64, 31, 7, 9, 12, 11, 10, 3, 21, 4, 6, 15];

    private readonly Device _device;
    private readonly IKernels _kernels;
    private readonly PackedBatch _packed = new();
    private readonly List<Tensor> _results = [];
    private readonly EmbeddingParameters _embedding;
    private readonly LinearParameters _queryKeyValue;
    private readonly LinearParameters _intermediate;
    private readonly LinearParameters _output;
    private readonly NormParameters _norm;
    private readonly AdamState _adam;
    private readonly Dropout _dropout;
    private readonly float[] _rates = [0.01f, 0.05f, 3f, 0f];
    private readonly Tensor _ratesTensor;
    private readonly Tensor[] _tokens;
    private readonly Tensor[] _statistics;
    private readonly Tensor _wide;
    private readonly Tensor _wideGradient;
    private readonly Tensor _preactivation;
    private readonly Tensor _activated;
    private readonly Tensor _activatedGradient;
    private readonly Parameter _relativePositions;
    private readonly Tensor _bias;
    private readonly Tensor _biasGradient;
    private readonly Tensor _logSumExp;
    private readonly Tensor _pooled;
    private readonly Tensor _pooledGradient;
    private readonly Tensor _units;
    private readonly Tensor _unitsGradient;
    private readonly Tensor _length;
    private readonly Tensor _loss;
    private readonly LinearParameters _classifier;
    private readonly Tensor _classes;
    private readonly Tensor _scores;
    private readonly Tensor _logits;
    private readonly Tensor _truncated;
    private readonly Tensor _truncatedIncoming;
    private readonly Tensor _truncatedGradient;
    private readonly Tensor[] _pairLosses;
    private readonly Tensor[] _pairGradients;
    private readonly Tensor _gradientNorm;
    private readonly Tensor _clipFactor;

    public OperationSequence(IKernels kernels)
    {
        _kernels = kernels;
        _device = new Device(kernels);
        Random random = new(99);
        int tokens = Lengths.Sum();
        foreach (int length in Lengths)
        {
            _packed.Add([.. Enumerable.Range(0, length).Select(_ => random.Next(Vocabulary))]);
        }

        kernels.Plan(new StepLimits(tokens, Lengths.Length, Lengths.Max(), Hidden, Intermediate, Heads, 2 * Hidden, Backward: true));
        kernels.PlanRankingLoss(Lengths.Length, Queries, 2 * Hidden, RankingLoss);
        kernels.PlanGlobalNorm(Vocabulary * Hidden);
        Parameter Random(int rows, int columns, double scale) => _device.Parameter(Array2.Random(rows, columns, random, scale));
        NormParameters Norm() => new(Random(1, Hidden, 1), Random(1, Hidden, 1), 1e-12f);
        _embedding = new EmbeddingParameters(Random(Vocabulary, Hidden, 1), Random(80, Hidden, 1), Random(2, Hidden, 1), Norm(), PaddingId: 5);
        _queryKeyValue = new LinearParameters(Random(3 * Hidden, Hidden, 0.1), Random(1, 3 * Hidden, 0.1));
        _intermediate = new LinearParameters(Random(Intermediate, Hidden, 0.1), Random(1, Intermediate, 0.1));
        _output = new LinearParameters(Random(Hidden, Intermediate, 0.1), Random(1, Hidden, 0.1));
        _norm = Norm();
        _dropout = _device.Dropout(0.1f, 3, 12345, 6);
        int flat = 40 * AdamState.BlockLength;
        _adam = new AdamState(
            _device.Float(Array2.Random(1, flat, random)), _device.Float(Array2.Random(1, flat, random)), _device.Zeros(1, flat), _device.Zeros(1, flat), _device.Float(Array2.Filled(1, 40, 0.01)));
        _ratesTensor = _device.Zeros(1, 4);
        _tokens = [.. Enumerable.Range(0, 7).Select(_ => _device.Zeros(tokens, Hidden))];
        _statistics = [_device.Zeros(tokens, 1), _device.Zeros(tokens, 1)];
        _wide = _device.Zeros(tokens, 3 * Hidden);
        _wideGradient = _device.Zeros(tokens, 3 * Hidden);
        _preactivation = _device.Zeros(tokens, Intermediate);
        _activated = _device.Zeros(tokens, Intermediate);
        _activatedGradient = _device.Zeros(tokens, Intermediate);
        _relativePositions = Random(RelativePositions.Buckets, Heads, 1);
        _bias = _device.Zeros(Heads * 70, 70);
        _biasGradient = _device.Zeros(Heads * 70, 70);
        _logSumExp = _device.Zeros(tokens, Heads);
        _pooled = _device.Zeros(Lengths.Length, 2 * Hidden);
        _pooledGradient = _device.Zeros(Lengths.Length, 2 * Hidden);
        _units = _device.Zeros(Lengths.Length, 2 * Hidden);
        _unitsGradient = _device.Zeros(Lengths.Length, 2 * Hidden);
        _length = _device.Zeros(Lengths.Length, 1);
        _loss = _device.Zeros(1, 1);
        const PairFeatures Features = PairFeatures.Embeddings | PairFeatures.Difference | PairFeatures.Product;
        _classifier = new LinearParameters(Random(3, Features.Parts() * 2 * Hidden, 0.1), Random(1, 3, 0.1));
        _classes = _device.Integers([.. Enumerable.Range(0, Pairs).Select(_ => random.Next(3))]);
        _scores = _device.Float(Array2.Random(1, Pairs, random));
        _logits = _device.Zeros(Pairs, 3);
        _truncated = _device.Zeros(Lengths.Length, 77);
        _truncatedIncoming = _device.Float(Array2.Random(Lengths.Length, 77, random));
        _truncatedGradient = _device.Zeros(Lengths.Length, 2 * Hidden);
        _pairLosses = [.. Enumerable.Range(0, 3).Select(_ => _device.Zeros(1, 1))];
        _pairGradients = [.. Enumerable.Range(0, 3).Select(_ => _device.Zeros(2 * Pairs, 2 * Hidden))];
        _gradientNorm = _device.Zeros(1, 1);
        _clipFactor = _device.Zeros(1, 1);
        _results.AddRange([_wide, _wideGradient, _preactivation, _activated, _activatedGradient, _bias, _biasGradient, _logSumExp, _pooled, _units, _unitsGradient, _length, _loss, _gradientNorm, _clipFactor]);
        _results.AddRange([_classifier.Weight.Gradient, _classifier.Bias.Gradient, _logits, _truncated, _truncatedGradient, .. _pairLosses, .. _pairGradients]);
        _results.AddRange([.. _tokens, .. _statistics]);
        foreach (Parameter parameter in (Parameter[])[
            _embedding.Word, _embedding.Position, _embedding.TokenType, _embedding.Norm.Weight, _embedding.Norm.Bias, _queryKeyValue.Weight, _queryKeyValue.Bias,
            _intermediate.Weight, _intermediate.Bias, _output.Weight, _output.Bias, _norm.Weight, _norm.Bias, _relativePositions])
        {
            _results.Add(parameter.Gradient);
        }

        _results.AddRange([_adam.Weights, _adam.FirstMoments, _adam.SecondMoments]);
    }

    /// <summary>Runs the step, or lets the implementation replay it.</summary>
    public void Run()
    {
        DeviceBatch batch = _kernels.Upload(_packed);
        _kernels.Write(_ratesTensor, _rates);
        if (_kernels.BeginStep(new StepKey(0, batch.TokenRows, batch.Sentences, batch.LongestSentence, batch.Slot, this)))
        {
            RunOperations(batch);
        }

        _kernels.EndStep();
    }

    /// <summary>Everything that the step has written.</summary>
    public List<Array2> Results() => [.. _results.Select(_device.Read)];

    public void Dispose() => _device.Dispose();

    private void RunOperations(in DeviceBatch batch)
    {
        const PoolingModes Modes = PoolingModes.Mean | PoolingModes.Max;
        Tensor embedded = _tokens[0];
        Tensor context = _tokens[1];
        Tensor hidden = _tokens[2];
        Tensor embeddedNormalized = _tokens[3];
        Tensor normalized = _tokens[4];
        Tensor hiddenGradient = _tokens[5];
        Tensor contextGradient = _tokens[6];
        _kernels.EmbedNorm(batch, _embedding, _dropout, embeddedNormalized, _statistics[0], embedded);
        _kernels.Linear(embedded, _queryKeyValue, _wide);
        _kernels.RelativeBias(_relativePositions, _bias);
        _kernels.Attention(batch, _wide, Heads, _bias, _dropout, _logSumExp, context);
        _kernels.LinearActivation(context, _intermediate, Activation.Gelu, _preactivation, _activated);
        _kernels.LinearDropoutAddNorm(_activated, _output, _dropout, embedded, _norm, normalized, _statistics[1], hidden);
        _kernels.Pool(batch, Modes, hidden, _pooled);
        _kernels.Normalize(_pooled, _length, _units);
        _kernels.RankingLoss(_units, Queries, RankingLoss, 0.5f, _loss, _unitsGradient, accumulate: false);
        _kernels.TruncateNormalize(_units, _length, _truncated);
        _kernels.TruncateNormalizeBackward(_truncated, _length, _truncatedIncoming, _truncatedGradient, addToInputGradient: false);
        Tensor pairs = _pooled.FirstRows(2 * Pairs);
        const PairFeatures Features = PairFeatures.Embeddings | PairFeatures.Difference | PairFeatures.Product;
        _kernels.SoftmaxLoss(pairs, _classes, _classifier, Features, 1, _logits, _pairLosses[0], _pairGradients[0], accumulate: false);
        _kernels.CosineSimilarityLoss(pairs, _scores, default, 1, _pairLosses[1], _pairGradients[1], accumulate: false);
        _kernels.CosentLoss(pairs, _scores, 20, Similarity.Cosine, 1, _pairLosses[2], _pairGradients[2], accumulate: false);
        _kernels.Normalize(_pooled, _length, _units);
        _kernels.NormalizeBackward(_units, _length, _unitsGradient, _pooledGradient);
        _kernels.PoolBackward(batch, Modes, hidden, _pooledGradient, hiddenGradient);
        _kernels.LinearDropoutAddNormBackward(
            _activated, _output, _dropout, _norm, normalized, _statistics[1], hiddenGradient, _activatedGradient, hiddenGradient, accumulate: false);
        _kernels.LinearActivationBackward(
            context, _intermediate, Activation.Gelu, _preactivation, _activatedGradient, contextGradient, addToInputGradient: false, accumulate: false);
        _kernels.Fill(_biasGradient, 0);
        _kernels.AttentionBackward(batch, _wide, Heads, _bias, _dropout, _logSumExp, context, contextGradient, _wideGradient, _biasGradient);
        _kernels.RelativeBiasBackward(_relativePositions, _biasGradient, accumulate: false);
        _kernels.AttentionBackward(batch, _wide, Heads, _bias, _dropout, _logSumExp, context, contextGradient, _wideGradient, Tensor.None);
        _kernels.LinearBackward(embedded, _queryKeyValue, _wideGradient, hiddenGradient, addToInputGradient: true, accumulate: false);
        _kernels.EmbedNormBackward(batch, _embedding, _dropout, embeddedNormalized, _statistics[0], hiddenGradient, accumulate: false);
        _kernels.GradientReady(_embedding.Word.Gradient);
        _kernels.GlobalNorm(_embedding.Word.Gradient, 1f, _gradientNorm, _clipFactor);
        _kernels.Adam(_adam, new AdamOptions(0.9, 0.999, 1e-8, DecoupledDecay: true), _ratesTensor, _clipFactor);
        _kernels.PublishWeights(_adam.Weights);
    }
}
