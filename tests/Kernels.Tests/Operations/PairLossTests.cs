using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The losses on labelled pairs, and truncated embeddings, against the reference and its finite differences.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class PairLossTests(KernelTarget target) : OperationTests(target, 16)
{
    private const int Width = 21;
    private static readonly Array2 One = Array2.Filled(1, 1, 1);

    [Test]
    public void SoftmaxLossOfEverySetOfFeatures([Range(1, 7)] int features, [Values(1, 9)] int pairs, [Values(2, 5)] int classes)
    {
        PairFeatures chosen = (PairFeatures)features;
        (Array2 embeddings, Array2 weight, Array2 bias, int[] labels, LinearParameters classifier, Tensor loss, Tensor gradient) =
            SentencePasses.SoftmaxLoss(Device, Random, pairs, Width, classes, chosen, scale: 0.3);

        double Objective() => Reference.SoftmaxLoss(embeddings, labels, weight, bias, chosen);
        CheckLoss(loss, Objective());
        FiniteDifferences.Check(Objective, embeddings, Device.Read(gradient), One, "embeddings");
        FiniteDifferences.Check(Objective, weight, Device.Read(classifier.Weight.Gradient), One, "weight");
        FiniteDifferences.Check(Objective, bias, Device.Read(classifier.Bias.Gradient), One, "bias");
    }

    [Test]
    public void SoftmaxLossOfEqualSentencesPassesNothingThroughTheirDifference()
    {
        Array2 weight = Array2.Random(3, Width, Random);
        LinearParameters classifier = new(Device.Parameter(weight), Device.Parameter(new Array2(1, 3)));
        Array2 sentence = Array2.Random(1, Width, Random);
        Tensor gradient = Device.Output(2, Width);
        Device.Kernels.SoftmaxLoss(
            Device.Float(new Array2(2, Width, [.. sentence.Values, .. sentence.Values])), Device.Integers([1]), classifier, PairFeatures.Difference, 1f,
            Device.Output(1, 3), Device.Output(1, 1), gradient, accumulate: false);
        Assert.That(Device.Read(gradient).Values, Has.All.EqualTo(0));
    }

    [Test]
    public void SoftmaxLossOfACertainClassifierIsTinyToFullPrecision()
    {
        // Logits 0 and 20, label 1: loss = log(1 + e^-20).
        LinearParameters classifier = new(Device.Parameter(new Array2(2, 2)), Device.Parameter(new Array2(1, 2, [0, 20])));
        Tensor loss = Device.Output(1, 1);
        Device.Kernels.SoftmaxLoss(
            Device.Float([1, 2], 2, 1), Device.Integers([1]), classifier, PairFeatures.Embeddings, 1f, Device.Output(1, 2), loss, Device.Output(2, 1), accumulate: false);
        double expected = Math.Exp(-20);
        Assert.That(Device.Read(classifier.Bias.Gradient).Values[0], Is.EqualTo(expected).Within(1e-6 * expected));
    }

    [Test]
    public void SoftmaxLossAddsLossAndClassifierGradientsWhenAskedAndTheEmbeddingsGradientNever()
    {
        Array2 embeddings = Array2.Random(8, Width, Random);
        LinearParameters classifier = new(Device.Parameter(Array2.Random(3, 3 * Width, Random)), Device.Parameter(Array2.Random(1, 3, Random)));
        Tensor[] results = [Device.Output(1, 1), classifier.Weight.Gradient, classifier.Bias.Gradient, Device.Output(8, Width)];
        void Run(float weight, bool accumulate) => Device.Kernels.SoftmaxLoss(
            Device.Float(embeddings), Device.Integers([0, 2, 1, 1]), classifier, PairFeatures.Embeddings | PairFeatures.Difference, weight, Device.Output(4, 3), results[0], results[3], accumulate);
        Run(1, accumulate: false);
        Array2[] once = [.. results.Select(Device.Read)];

        Run(0.5f, accumulate: false);
        Run(0.5f, accumulate: true);

        for (int i = 0; i < 3; i++)
        {
            Close.Check(Device.Read(results[i]), once[i], One, $"result {i}");
        }

        Close.Check(Device.Read(results[3]), new Array2(8, Width, [.. once[3].Values.Select(value => 0.5 * value)]), One, "gradient of the embeddings");
    }

    [Test]
    public void CosineSimilarity([Values(1, 8, 33)] int pairs, [Values] PairError error, [Values] CosineTransform transform)
    {
        // Labels up to 1.5 from a cosine of 0: of Huber's errors some are below 1 and some above.
        CosineLossOptions options = new(error, transform);
        Array2 embeddings = Array2.Random(2 * pairs, Width, Random);
        double[] labels = [.. Enumerable.Range(0, pairs).Select(_ => (double)(float)((3 * Random.NextDouble()) - 1.5))];
        (_, Tensor loss, Tensor gradient) = SentencePasses.CosineSimilarityLoss(Device, embeddings, labels, options);

        double Objective() => Reference.CosineSimilarityLoss(embeddings, labels, options);
        CheckLoss(loss, Objective());
        FiniteDifferences.Check(Objective, embeddings, Device.Read(gradient), One, "embeddings");
    }

    /// <summary>torch gives the absolute value no gradient at 0, nor ReLU: the pair (1, 0), (1, 0) has its label 1, and (1, 0), (0, 1) a cosine of 0.</summary>
    [TestCase(PairError.Absolute, CosineTransform.Identity, 1, 1)]
    [TestCase(PairError.Squared, CosineTransform.Relu, 0, 0.5)]
    public void WhereAnErrorOrATransformHasACornerTheGradientIsZero(PairError error, CosineTransform transform, float cosine, double label)
    {
        Tensor loss = Device.Output(1, 1);
        Tensor gradient = Device.Output(2, 2);

        Device.Kernels.CosineSimilarityLoss(
            Device.Float([1, 0, cosine, 1 - cosine], 2, 2), Labels([label]), new CosineLossOptions(error, transform), 1f, loss, gradient, accumulate: false);

        Assert.That(Device.Read(gradient).Values, Has.All.Zero);
    }

    [Test]
    public void Cosent([Values(1, 2, 17, 40)] int pairs, [Values] Similarity similarity, [Values(1, 4, 1000)] int differentLabels)
    {
        Array2 embeddings = Array2.Random(2 * pairs, Width, Random, similarity == Similarity.Cosine ? 1 : 0.4);
        double[] labels = [.. Enumerable.Range(0, pairs).Select(_ => Random.Next(differentLabels) / 8.0)];
        float scale = similarity == Similarity.Cosine ? 20 : 1.5f;
        (_, Tensor loss, Tensor gradient) = SentencePasses.CosentLoss(Device, embeddings, labels, scale, similarity);

        double Objective() => Reference.CosentLoss(embeddings, labels, scale, similarity);
        CheckLoss(loss, Objective());
        FiniteDifferences.Check(Objective, embeddings, Device.Read(gradient), One, "embeddings");
    }

    [Test]
    public void CosentOfEqualLabelsIsZero()
    {
        Tensor loss = Device.Output(1, 1);
        Tensor gradient = Device.Output(10, Width);
        Device.Kernels.CosentLoss(Device.Float(Array2.Random(10, Width, Random)), Labels([3, 3, 3, 3, 3]), 20, Similarity.Cosine, 1f, loss, gradient, accumulate: false);
        Assert.That(Device.Read(loss).Values[0], Is.Zero);
        Assert.That(Device.Read(gradient).Values, Has.All.EqualTo(0));
    }

    [Test]
    public void CosentOfAPerfectOrderIsTinyToFullPrecision()
    {
        // Similarities 1 and 0, labels 1 and 0: loss = log(1 + e^-20).
        Tensor loss = Device.Output(1, 1);
        Device.Kernels.CosentLoss(Device.Float([1, 0, 1, 0, 1, 0, 0, 1], 4, 2), Labels([1, 0]), 20, Similarity.Cosine, 1f, loss, Tensor.None, accumulate: false);
        double expected = Math.Exp(-20);
        Assert.That(Device.Read(loss).Values[0], Is.EqualTo(expected).Within(1e-6 * expected));
    }

    [Test]
    public void CosentOfLargeDotProductsDoesNotOverflow()
    {
        Array2 embeddings = Array2.Random(12, Width, Random, 30);
        double[] labels = [1, 2, 3, 3, 5, 0];
        Tensor loss = Device.Output(1, 1);
        Tensor gradient = Device.Output(12, Width);
        Device.Kernels.CosentLoss(Device.Float(embeddings), Labels(labels), 1, Similarity.Dot, 1f, loss, gradient, accumulate: false);
        CheckLoss(loss, Reference.CosentLoss(embeddings, labels, 1, Similarity.Dot));
        Assert.That(Device.Read(gradient).Values, Has.All.Matches<double>(double.IsFinite));
    }

    [Test]
    public void LossesOfPairsTakeAWeightAreAddedWhenAskedAndMayBeWantedAlone([Values] bool isCosent)
    {
        Array2 embeddings = Array2.Random(12, Width, Random);
        Tensor input = Device.Float(embeddings);
        Tensor labels = Labels([0, 0.5, 1, 0.25, 0.5, 0.75]);
        Tensor loss = Device.Output(1, 1);
        Tensor gradient = Device.Output(12, Width);
        void Run(float weight, Tensor target, Tensor gradientTarget, bool accumulate)
        {
            if (isCosent)
            {
                Device.Kernels.CosentLoss(input, labels, 20, Similarity.Cosine, weight, target, gradientTarget, accumulate);
            }
            else
            {
                Device.Kernels.CosineSimilarityLoss(input, labels, default, weight, target, gradientTarget, accumulate);
            }
        }

        Run(1, loss, gradient, accumulate: false);
        double once = Device.Read(loss).Values[0];
        Array2 gradientOnce = Device.Read(gradient);

        Run(0.25f, loss, gradient, accumulate: true);
        Assert.That(Device.Read(loss).Values[0], Is.EqualTo(1.25 * once).Within(1e-6 * once));
        Close.Check(Device.Read(gradient), new Array2(12, Width, [.. gradientOnce.Values.Select(value => 0.25 * value)]), One, "gradient");

        Tensor alone = Device.Output(1, 1);
        Run(1, alone, Tensor.None, accumulate: false);
        Assert.That(Device.Read(alone).Values[0], Is.EqualTo(once));
    }

    [Test]
    public void APairWithoutADirectionHasAFiniteGradient([Values] bool isCosent)
    {
        Array2 embeddings = Array2.Random(6, Width, Random);
        Array.Clear(embeddings.Values, 0, Width);
        Tensor loss = Device.Output(1, 1);
        Tensor gradient = Device.Output(6, Width);
        Tensor labels = Labels([0, 0.5, 1]);
        if (isCosent)
        {
            Device.Kernels.CosentLoss(Device.Float(embeddings), labels, 20, Similarity.Cosine, 1f, loss, gradient, accumulate: false);
            CheckLoss(loss, Reference.CosentLoss(embeddings, [0, 0.5, 1], 20, Similarity.Cosine));
        }
        else
        {
            Device.Kernels.CosineSimilarityLoss(Device.Float(embeddings), labels, default, 1f, loss, gradient, accumulate: false);
            CheckLoss(loss, Reference.CosineSimilarityLoss(embeddings, [0, 0.5, 1]));
        }

        Assert.That(Device.Read(gradient).Values, Has.All.Matches<double>(double.IsFinite));
    }

    [Test]
    public void TruncatedEmbeddingsAndTheirGradient([Values(1, 8, 20, Width)] int columns)
    {
        (Array2 input, Array2 incoming, Tensor length, Tensor output, Tensor gradient) = SentencePasses.TruncateNormalize(Device, Random, 7, Width, columns);

        Close.Check(Device.Read(output), Reference.TruncateNormalize(input, columns), input, "output");
        Array2 once = Device.Read(gradient);
        FiniteDifferences.Check(() => Reference.Dot(Reference.TruncateNormalize(input, columns), incoming), input, once, incoming, "input");

        Device.Kernels.TruncateNormalizeBackward(output, length, Device.Float(incoming), gradient, addToInputGradient: true);
        Assert.That(Device.Read(gradient).Values, Is.EqualTo(once.Values.Select(value => 2 * value)));
    }

    private void CheckLoss(Tensor loss, double expected) =>
        Assert.That(Device.Read(loss).Values[0], Is.EqualTo(expected).Within(Close.Tolerance * Math.Max(1e-2, expected)));

    private Tensor Labels(double[] labels) => SentencePasses.Labels(Device, labels);
}
