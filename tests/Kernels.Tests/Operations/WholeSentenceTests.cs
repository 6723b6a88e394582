using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Whole results of what comes behind the network: pooling, lengths and losses of embeddings as wide as models', for up to 256 queries.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.OfEveryPrecision))]
internal sealed class WholeSentenceTests(KernelTarget target) : WholeResults(target, 23)
{
    private const PoolingModes Every =
        PoolingModes.Cls | PoolingModes.Max | PoolingModes.Mean | PoolingModes.MeanSqrtLength | PoolingModes.WeightedMean | PoolingModes.LastToken;

    private const RankingDirections AllDirections =
        RankingDirections.QueryToDocument | RankingDirections.QueryToQuery | RankingDirections.DocumentToQuery | RankingDirections.DocumentToDocument;

    private static readonly Array2 One = Array2.Filled(1, 1, 1);

    [TestCase(new[] { 1, 3 }, 64)]
    [TestCase(new[] { 200, 3 }, 72)]
    [TestCase(new[] { 512, 1 }, 1024)]
    [TestCase(new[] { 33, 7 }, 768)]
    public void Pooling(int[] lengths, int hidden) => ComparePooling(lengths, hidden);

    [Test]
    public void PoolingOfManySentences() => ComparePooling([.. Enumerable.Range(0, 256).Select(static i => 1 + (i * 7 % 11))], 384);

    [TestCaseSource(nameof(Batches))]
    public void PoolingOfAWholeBatch(int sentences) => ComparePooling([.. Enumerable.Range(0, sentences).Select(static i => 1 + (i * 37 % 25))], 128);

    [TestCase(1, 64)]
    [TestCase(255, 384)]
    [TestCase(33, 1024)]
    public void Normalize(int rows, int width)
    {
        (Array2 x, Array2 dy, _, Tensor output, Tensor gradient) = SentencePasses.Normalize(Device, Random, rows, width);

        Compare(_ => [Reference.Normalize(x), ReferenceGradients.Normalize(x, dy)], ("y", output, x), ("x", gradient, dy));
    }

    [TestCase(255, 384, 128)]
    [TestCase(33, 1024, 768)]
    public void TruncateNormalize(int rows, int width, int columns)
    {
        (Array2 x, Array2 dy, _, Tensor output, Tensor gradient) = SentencePasses.TruncateNormalize(Device, Random, rows, width, columns);

        Compare(_ => [Reference.TruncateNormalize(x, columns), Widened(ReferenceGradients.Normalize(Narrowed(x, columns), dy), width)], ("y", output, x), ("x", gradient, dy));
    }

    [Test]
    public void RankingLossOfEverySetOfDirections([Range(0, 7)] int others, [Values] Similarity similarity) => CompareRankingLoss(
        33, 3, 64, new RankingLossOptions(similarity == Similarity.Cosine ? 20 : 0.3f, similarity, RankingDirections.QueryToDocument | (RankingDirections)(others << 1)));

    [Test]
    public void RankingLossWithASoftmaxForEachDirection() => CompareRankingLoss(
        65, 2, 128, new RankingLossOptions(Directions: RankingDirections.QueryToDocument | RankingDirections.DocumentToQuery, Partition: RankingPartition.PerDirection));

    [Test]
    public void RankingLossWithHardness([Values] RankingHardness hardness) => CompareRankingLoss(31, 3, 64, new RankingLossOptions(Hardness: hardness, HardnessStrength: 5));

    [TestCase(256, 2, 384)]
    [TestCase(255, 3, 64)]
    [TestCase(33, 2, 1024)]
    [TestCase(1, 2, 768)]
    public void RankingLossOfABatch(int queries, int columns, int width) => CompareRankingLoss(queries, columns, width, new RankingLossOptions());

    [Test]
    public void RankingLossOfABatchInAllDirections() => CompareRankingLoss(129, 3, 256, new RankingLossOptions(Directions: AllDirections));

    /// <summary>The loss and the gradients of some queries and documents, since those of all would take twice as many numbers as there are similarities.</summary>
    [TestCaseSource(nameof(LargestBatches))]
    public void RankingLossOfTheLargestBatch(int queries)
    {
        const int Width = 32;
        Array2 embeddings = Array2.Random(2 * queries, Width, Random);
        int[] spots = [.. Enumerable.Range(0, 32).SelectMany(i => (int[])[(int)((long)i * (queries - 1) / 31), queries + (int)((long)i * (queries - 1) / 31)])];
        Tensor loss = Device.Output(1, 1);
        Tensor gradient = Device.Output(embeddings.Rows, Width);

        Device.Kernels.RankingLoss(Device.Float(embeddings), queries, new RankingLossOptions(), 1f, loss, gradient, accumulate: false);

        (double expectedLoss, Array2 expected) = ReferenceGradients.RankingLossAt(embeddings, queries, new RankingLossOptions().Scale, spots);
        Array2 whole = Device.Read(gradient);
        Array2 actual = new(spots.Length, Width, [.. spots.SelectMany(row => whole.RowsOf(row, 1).Values)]);
        Close.Check(Device.Read(loss), Number(expectedLoss), One, "loss");
        Close.Check(actual, expected, Number(Math.Sqrt((double)spots.Length / embeddings.Rows)), "embeddings");
        Assert.That(whole.Values, Has.All.Matches<double>(double.IsFinite));
    }

    private static IEnumerable<TestCaseData> Batches => Sizes(70, 4096, 60_000);

    private static IEnumerable<TestCaseData> LargestBatches => Sizes(150, 16_384, 2048);

    [TestCase(1, 768, 2, PairFeatures.Embeddings | PairFeatures.Difference)]
    [TestCase(256, 384, 3, PairFeatures.Embeddings | PairFeatures.Difference)]
    [TestCase(33, 1024, 5, PairFeatures.Embeddings | PairFeatures.Difference | PairFeatures.Product)]
    public void SoftmaxLoss(int pairs, int width, int classes, PairFeatures features)
    {
        (Array2 embeddings, Array2 weight, Array2 bias, int[] labels, LinearParameters classifier, Tensor loss, Tensor gradient) =
            SentencePasses.SoftmaxLoss(Device, Random, pairs, width, classes, features, scale: 0.05);

        Compare(
            _ =>
            {
                (Array2 dEmbeddings, Array2 dWeight, Array2 dBias) = ReferenceGradients.SoftmaxLoss(embeddings, labels, weight, bias, features);
                return [Number(Reference.SoftmaxLoss(embeddings, labels, weight, bias, features)), dEmbeddings, dWeight, dBias];
            },
            ("loss", loss, One), ("embeddings", gradient, One), ("weight", classifier.Weight.Gradient, One), ("bias", classifier.Bias.Gradient, One));
    }

    [TestCase(1, 64, PairError.Squared, CosineTransform.Identity)]
    [TestCase(255, 384, PairError.Squared, CosineTransform.Identity)]
    [TestCase(33, 1024, PairError.Squared, CosineTransform.Identity)]
    [TestCase(255, 384, PairError.Absolute, CosineTransform.Sigmoid)]
    [TestCase(255, 384, PairError.Huber, CosineTransform.Tanh)]
    [TestCase(255, 384, PairError.Squared, CosineTransform.Relu)]
    public void CosineSimilarityLoss(int pairs, int width, PairError error, CosineTransform transform)
    {
        CosineLossOptions options = new(error, transform);
        Array2 embeddings = Array2.Random(2 * pairs, width, Random);
        double[] labels = [.. Enumerable.Range(0, pairs).Select(_ => (double)(float)Random.NextDouble())];
        (_, Tensor loss, Tensor gradient) = SentencePasses.CosineSimilarityLoss(Device, embeddings, labels, options);

        Compare(
            _ => [Number(Reference.CosineSimilarityLoss(embeddings, labels, options)), ReferenceGradients.CosineSimilarityLoss(embeddings, labels, options)], ("loss", loss, One), ("embeddings", gradient, One));
    }

    [TestCase(2, 64, Similarity.Dot)]
    [TestCase(255, 384, Similarity.Cosine)]
    [TestCase(33, 1024, Similarity.Cosine)]
    public void CosentLoss(int pairs, int width, Similarity similarity)
    {
        Array2 embeddings = Array2.Random(2 * pairs, width, Random, similarity == Similarity.Cosine ? 1 : 0.3);
        double[] labels = [.. Enumerable.Range(0, pairs).Select(_ => Random.Next(6) / 4.0)];
        float scale = similarity == Similarity.Cosine ? 20 : 1.5f;
        (_, Tensor loss, Tensor gradient) = SentencePasses.CosentLoss(Device, embeddings, labels, scale, similarity);

        Compare(
            _ => [Number(Reference.CosentLoss(embeddings, labels, scale, similarity)), ReferenceGradients.CosentLoss(embeddings, labels, scale, similarity)],
            ("loss", loss, One), ("embeddings", gradient, One));
    }

    [TestCase(1, 12)]
    [TestCase(33, 12)]
    [TestCase(512, 2)]
    public void RelativeBias(int length, int heads)
    {
        (Array2 table, Array2 dy, Parameter parameter, Tensor bias) = LayerPasses.RelativeBias(Device, Random, length, heads);

        Compare(
            _ =>
            {
                Array2 expanded = new(heads * length, length);
                Array2 gradient = new(table.Rows, heads);
                for (int row = 0; row < expanded.Rows; row++)
                {
                    for (int key = 0; key < length; key++)
                    {
                        int bucket = RelativePositions.Bucket(key - (row % length));
                        expanded[row, key] = table[bucket, row / length];
                        gradient[bucket, row / length] += dy[row, key];
                    }
                }

                return [expanded, gradient];
            },
            ("bias", bias, table), ("table", parameter.Gradient, dy));
    }

    [Test]
    public void ModulesBehindThePoolingStayInSinglePrecision()
    {
        Array2 x = Array2.Random(255, 384, Random);
        Array2 w = Array2.Random(128, 384, Random, 0.1);
        Array2 b = Array2.Random(1, 128, Random);
        Array2 dy = Array2.Random(255, 128, Random);
        LinearParameters linear = new(Device.Parameter(w), Device.Parameter(b));
        Tensor input = Device.Float(x);
        Tensor preactivation = Device.Output(255, 128);
        Tensor output = Device.Output(255, 128);
        Tensor inputGradient = Device.Output(255, 384);

        Device.Kernels.LinearActivation(input, linear, Activation.Tanh, preactivation, output);
        Device.Kernels.LinearActivationBackward(input, linear, Activation.Tanh, preactivation, Device.Float(dy), inputGradient, addToInputGradient: false, accumulate: false);

        Compare(
            _ =>
            {
                Array2 z = Reference.Linear(x, w, b);
                Array2 dz = ReferenceGradients.Activation(z, dy, Activation.Tanh);
                return
                [
                    Reference.Activate(z, Activation.Tanh), ReferenceGradients.Product(dz, w), ReferenceGradients.Product(ReferenceGradients.Transposed(dz), x), ReferenceGradients.ColumnSums(dz),
                ];
            },
            ("y", output, x), ("dx", inputGradient, dy), ("dW", linear.Weight.Gradient, dy), ("db", linear.Bias.Gradient, dy));
    }

    private void ComparePooling(int[] lengths, int hidden)
    {
        // What is rounded already, so that rounding does not move a maximum to another token.
        Array2 x = Each(Array2.Random(lengths.Sum(), hidden, Random), HalfPrecision.Round);
        (Array2 dy, Tensor pooled, Tensor gradient) = SentencePasses.Pool(Device, Random, lengths, x, Every);

        Compare(round => [Reference.Pool(lengths, x, Every), Each(ReferenceGradients.Pool(lengths, x, dy), round)], ("pooled", pooled, x), ("hidden", gradient, dy));
    }

    private void CompareRankingLoss(int queries, int columns, int width, RankingLossOptions options)
    {
        (Array2 embeddings, Tensor loss, Tensor gradient) = SentencePasses.RankingLoss(Device, Random, queries, columns, width, options);

        Compare(
            _ => [Number(Reference.RankingLoss(embeddings, queries, options, embeddings)), ReferenceGradients.RankingLoss(embeddings, queries, options)],
            ("loss", loss, One), ("embeddings", gradient, One));
    }

    private static Array2 Number(double value) => Array2.Filled(1, 1, value);

    private static Array2 Narrowed(Array2 whole, int columns)
    {
        Array2 result = new(whole.Rows, columns);
        for (int row = 0; row < whole.Rows; row++)
        {
            whole.Row(row)[..columns].CopyTo(result.Row(row));
        }

        return result;
    }

    private static Array2 Widened(Array2 narrow, int columns)
    {
        Array2 result = new(narrow.Rows, columns);
        for (int row = 0; row < narrow.Rows; row++)
        {
            narrow.Row(row).CopyTo(result.Row(row));
        }

        return result;
    }
}
