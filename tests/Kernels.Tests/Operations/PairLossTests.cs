using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The losses on labelled pairs, and truncated embeddings, against the reference and its finite differences.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class PairLossTests(KernelTarget target)
{
    private const int Width = 21;
    private static readonly Array2 One = Array2.Filled(1, 1, 1);

    private Device _device = null!;
    private Random _random = null!;

    [SetUp]
    public void SetUp()
    {
        _device = new Device(target);
        _random = new Random(16);
    }

    [TearDown]
    public void TearDown() => _device.Dispose();

    [Test]
    public void SoftmaxLossOfEverySetOfFeatures([Range(1, 7)] int features, [Values(1, 9)] int pairs, [Values(2, 5)] int classes)
    {
        PairFeatures chosen = (PairFeatures)features;
        Array2 embeddings = Array2.Random(2 * pairs, Width, _random);
        Array2 weight = Array2.Random(classes, chosen.Parts() * Width, _random, 0.3);
        Array2 bias = Array2.Random(1, classes, _random);
        int[] labels = [.. Enumerable.Range(0, pairs).Select(_ => _random.Next(classes))];
        LinearParameters classifier = new(_device.Parameter(weight), _device.Parameter(bias));
        Tensor loss = _device.Output(1, 1);
        Tensor gradient = _device.Output(2 * pairs, Width);

        _device.Kernels.SoftmaxLoss(_device.Float(embeddings), _device.Integers(labels), classifier, chosen, 1f, _device.Output(pairs, classes), loss, gradient, accumulate: false);

        double Objective() => Reference.SoftmaxLoss(embeddings, labels, weight, bias, chosen);
        CheckLoss(loss, Objective());
        FiniteDifferences.Check(Objective, embeddings, _device.Read(gradient), One, "embeddings");
        FiniteDifferences.Check(Objective, weight, _device.Read(classifier.Weight.Gradient), One, "weight");
        FiniteDifferences.Check(Objective, bias, _device.Read(classifier.Bias.Gradient), One, "bias");
    }

    [Test]
    public void SoftmaxLossOfEqualSentencesPassesNothingThroughTheirDifference()
    {
        Array2 weight = Array2.Random(3, Width, _random);
        LinearParameters classifier = new(_device.Parameter(weight), _device.Parameter(new Array2(1, 3)));
        Array2 sentence = Array2.Random(1, Width, _random);
        Tensor gradient = _device.Output(2, Width);
        _device.Kernels.SoftmaxLoss(
            _device.Float(new Array2(2, Width, [.. sentence.Values, .. sentence.Values])), _device.Integers([1]), classifier, PairFeatures.Difference, 1f,
            _device.Output(1, 3), _device.Output(1, 1), gradient, accumulate: false);
        Assert.That(_device.Read(gradient).Values, Has.All.EqualTo(0));
    }

    [Test]
    public void SoftmaxLossOfACertainClassifierIsTinyToFullPrecision()
    {
        // Logits 0 and 20, label 1: loss = log(1 + e^-20).
        LinearParameters classifier = new(_device.Parameter(new Array2(2, 2)), _device.Parameter(new Array2(1, 2, [0, 20])));
        Tensor loss = _device.Output(1, 1);
        _device.Kernels.SoftmaxLoss(
            _device.Float([1, 2], 2, 1), _device.Integers([1]), classifier, PairFeatures.Embeddings, 1f, _device.Output(1, 2), loss, _device.Output(2, 1), accumulate: false);
        double expected = Math.Exp(-20);
        Assert.That(_device.Read(classifier.Bias.Gradient).Values[0], Is.EqualTo(expected).Within(1e-6 * expected));
    }

    [Test]
    public void SoftmaxLossAddsLossAndClassifierGradientsWhenAskedAndTheEmbeddingsGradientNever()
    {
        Array2 embeddings = Array2.Random(8, Width, _random);
        LinearParameters classifier = new(_device.Parameter(Array2.Random(3, 3 * Width, _random)), _device.Parameter(Array2.Random(1, 3, _random)));
        Tensor[] results = [_device.Output(1, 1), classifier.Weight.Gradient, classifier.Bias.Gradient, _device.Output(8, Width)];
        void Run(float weight, bool accumulate) => _device.Kernels.SoftmaxLoss(
            _device.Float(embeddings), _device.Integers([0, 2, 1, 1]), classifier, PairFeatures.Embeddings | PairFeatures.Difference, weight, _device.Output(4, 3), results[0], results[3], accumulate);
        Run(1, accumulate: false);
        Array2[] once = [.. results.Select(_device.Read)];

        Run(0.5f, accumulate: false);
        Run(0.5f, accumulate: true);

        for (int i = 0; i < 3; i++)
        {
            Close.Check(_device.Read(results[i]), once[i], One, $"result {i}");
        }

        Close.Check(_device.Read(results[3]), new Array2(8, Width, [.. once[3].Values.Select(value => 0.5 * value)]), One, "gradient of the embeddings");
    }

    [Test]
    public void CosineSimilarity([Values(1, 8, 33)] int pairs)
    {
        Array2 embeddings = Array2.Random(2 * pairs, Width, _random);
        double[] labels = [.. Enumerable.Range(0, pairs).Select(_ => (double)(float)_random.NextDouble())];
        Tensor loss = _device.Output(1, 1);
        Tensor gradient = _device.Output(2 * pairs, Width);

        _device.Kernels.CosineSimilarityLoss(_device.Float(embeddings), Labels(labels), 1f, loss, gradient, accumulate: false);

        double Objective() => Reference.CosineSimilarityLoss(embeddings, labels);
        CheckLoss(loss, Objective());
        FiniteDifferences.Check(Objective, embeddings, _device.Read(gradient), One, "embeddings");
    }

    [Test]
    public void Cosent([Values(1, 2, 17, 40)] int pairs, [Values] Similarity similarity, [Values(1, 4, 1000)] int differentLabels)
    {
        Array2 embeddings = Array2.Random(2 * pairs, Width, _random, similarity == Similarity.Cosine ? 1 : 0.4);
        double[] labels = [.. Enumerable.Range(0, pairs).Select(_ => _random.Next(differentLabels) / 8.0)];
        float scale = similarity == Similarity.Cosine ? 20 : 1.5f;
        Tensor loss = _device.Output(1, 1);
        Tensor gradient = _device.Output(2 * pairs, Width);

        _device.Kernels.CosentLoss(_device.Float(embeddings), Labels(labels), scale, similarity, 1f, loss, gradient, accumulate: false);

        double Objective() => Reference.CosentLoss(embeddings, labels, scale, similarity);
        CheckLoss(loss, Objective());
        FiniteDifferences.Check(Objective, embeddings, _device.Read(gradient), One, "embeddings");
    }

    [Test]
    public void CosentOfEqualLabelsIsZero()
    {
        Tensor loss = _device.Output(1, 1);
        Tensor gradient = _device.Output(10, Width);
        _device.Kernels.CosentLoss(_device.Float(Array2.Random(10, Width, _random)), Labels([3, 3, 3, 3, 3]), 20, Similarity.Cosine, 1f, loss, gradient, accumulate: false);
        Assert.That(_device.Read(loss).Values[0], Is.Zero);
        Assert.That(_device.Read(gradient).Values, Has.All.EqualTo(0));
    }

    [Test]
    public void CosentOfAPerfectOrderIsTinyToFullPrecision()
    {
        // Similarities 1 and 0, labels 1 and 0: loss = log(1 + e^-20).
        Tensor loss = _device.Output(1, 1);
        _device.Kernels.CosentLoss(_device.Float([1, 0, 1, 0, 1, 0, 0, 1], 4, 2), Labels([1, 0]), 20, Similarity.Cosine, 1f, loss, Tensor.None, accumulate: false);
        double expected = Math.Exp(-20);
        Assert.That(_device.Read(loss).Values[0], Is.EqualTo(expected).Within(1e-6 * expected));
    }

    [Test]
    public void CosentOfLargeDotProductsDoesNotOverflow()
    {
        Array2 embeddings = Array2.Random(12, Width, _random, 30);
        double[] labels = [1, 2, 3, 3, 5, 0];
        Tensor loss = _device.Output(1, 1);
        Tensor gradient = _device.Output(12, Width);
        _device.Kernels.CosentLoss(_device.Float(embeddings), Labels(labels), 1, Similarity.Dot, 1f, loss, gradient, accumulate: false);
        CheckLoss(loss, Reference.CosentLoss(embeddings, labels, 1, Similarity.Dot));
        Assert.That(_device.Read(gradient).Values, Has.All.Matches<double>(double.IsFinite));
    }

    [Test]
    public void LossesOfPairsTakeAWeightAreAddedWhenAskedAndMayBeWantedAlone([Values] bool isCosent)
    {
        Array2 embeddings = Array2.Random(12, Width, _random);
        Tensor input = _device.Float(embeddings);
        Tensor labels = Labels([0, 0.5, 1, 0.25, 0.5, 0.75]);
        Tensor loss = _device.Output(1, 1);
        Tensor gradient = _device.Output(12, Width);
        void Run(float weight, Tensor target, Tensor gradientTarget, bool accumulate)
        {
            if (isCosent)
            {
                _device.Kernels.CosentLoss(input, labels, 20, Similarity.Cosine, weight, target, gradientTarget, accumulate);
            }
            else
            {
                _device.Kernels.CosineSimilarityLoss(input, labels, weight, target, gradientTarget, accumulate);
            }
        }

        Run(1, loss, gradient, accumulate: false);
        double once = _device.Read(loss).Values[0];
        Array2 gradientOnce = _device.Read(gradient);

        Run(0.25f, loss, gradient, accumulate: true);
        Assert.That(_device.Read(loss).Values[0], Is.EqualTo(1.25 * once).Within(1e-6 * once));
        Close.Check(_device.Read(gradient), new Array2(12, Width, [.. gradientOnce.Values.Select(value => 0.25 * value)]), One, "gradient");

        Tensor alone = _device.Output(1, 1);
        Run(1, alone, Tensor.None, accumulate: false);
        Assert.That(_device.Read(alone).Values[0], Is.EqualTo(once));
    }

    [Test]
    public void APairWithoutADirectionHasAFiniteGradient([Values] bool isCosent)
    {
        Array2 embeddings = Array2.Random(6, Width, _random);
        Array.Clear(embeddings.Values, 0, Width);
        Tensor loss = _device.Output(1, 1);
        Tensor gradient = _device.Output(6, Width);
        Tensor labels = Labels([0, 0.5, 1]);
        if (isCosent)
        {
            _device.Kernels.CosentLoss(_device.Float(embeddings), labels, 20, Similarity.Cosine, 1f, loss, gradient, accumulate: false);
            CheckLoss(loss, Reference.CosentLoss(embeddings, [0, 0.5, 1], 20, Similarity.Cosine));
        }
        else
        {
            _device.Kernels.CosineSimilarityLoss(_device.Float(embeddings), labels, 1f, loss, gradient, accumulate: false);
            CheckLoss(loss, Reference.CosineSimilarityLoss(embeddings, [0, 0.5, 1]));
        }

        Assert.That(_device.Read(gradient).Values, Has.All.Matches<double>(double.IsFinite));
    }

    [Test]
    public void TruncatedEmbeddingsAndTheirGradient([Values(1, 8, 20, Width)] int columns)
    {
        Array2 input = Array2.Random(7, Width, _random);
        Array2 incoming = Array2.Random(7, columns, _random);
        Tensor length = _device.Output(7, 1);
        Tensor output = _device.Output(7, columns);
        Tensor gradient = _device.Output(7, Width);

        _device.Kernels.TruncateNormalize(_device.Float(input), length, output);
        _device.Kernels.TruncateNormalizeBackward(output, length, _device.Float(incoming), gradient, addToInputGradient: false);

        Close.Check(_device.Read(output), Reference.TruncateNormalize(input, columns), input, "output");
        Array2 once = _device.Read(gradient);
        FiniteDifferences.Check(() => Reference.Dot(Reference.TruncateNormalize(input, columns), incoming), input, once, incoming, "input");

        _device.Kernels.TruncateNormalizeBackward(output, length, _device.Float(incoming), gradient, addToInputGradient: true);
        Assert.That(_device.Read(gradient).Values, Is.EqualTo(once.Values.Select(value => 2 * value)));
    }

    private void CheckLoss(Tensor loss, double expected) =>
        Assert.That(_device.Read(loss).Values[0], Is.EqualTo(expected).Within(Close.Tolerance * Math.Max(1e-2, expected)));

    private Tensor Labels(double[] labels) => _device.Float([.. labels.Select(label => (float)label)], 1, labels.Length);
}
