using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The embedding against the reference and its finite differences.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class EmbeddingTests(KernelTarget target)
{
    private const ulong Seed = 77;
    private const float Epsilon = 1e-5f;

    private Device _device = null!;
    private Random _random = null!;

    [SetUp]
    public void SetUp()
    {
        _device = new Device(target);
        _random = new Random(12);
    }

    [TearDown]
    public void TearDown() => _device.Dispose();

    [TestCase(new[] { 1 }, 8, 0f, true)]
    [TestCase(new[] { 5, 1, 12, 3 }, 33, 0.1f, true)]
    [TestCase(new[] { 5, 1, 12, 3 }, 33, 0f, false)]
    [TestCase(new[] { 70, 40 }, 24, 0.5f, true)]
    [TestCase(new[] { 3, 1, 5 }, 1024, 0.1f, true)]
    public void EmbedNorm(int[] lengths, int hidden, float probability, bool hasTokenType)
    {
        const int Vocabulary = 10;
        int tokens = lengths.Sum();
        int[][] sentences = [.. lengths.Select(length => Enumerable.Range(0, length).Select(_ => _random.Next(Vocabulary)).ToArray())];
        int[] ids = [.. sentences.SelectMany(sentence => sentence)];
        int[] positions = [.. lengths.SelectMany(length => Enumerable.Range(0, length))];
        Array2 word = Array2.Random(Vocabulary, hidden, _random);
        Array2 position = Array2.Random(80, hidden, _random);
        Array2? tokenType = hasTokenType ? Array2.Random(2, hidden, _random) : null;
        Array2 weight = Array2.Random(1, hidden, _random);
        Array2 bias = Array2.Random(1, hidden, _random);
        Array2 dy = Array2.Random(tokens, hidden, _random);
        EmbeddingParameters parameters = new(
            _device.Parameter(word), _device.Parameter(position), tokenType is null ? Parameter.None : _device.Parameter(tokenType),
            new NormParameters(_device.Parameter(weight), _device.Parameter(bias), Epsilon));
        Dropout dropout = _device.Dropout(probability, 0, Seed, 3);
        Array2 factors = new(tokens, hidden, Reference.DropoutFactors(probability, 0, Seed, 3, tokens * hidden));
        DeviceBatch batch = _device.Batch(sentences);
        Tensor normalized = _device.Output(tokens, hidden);
        Tensor inverseDeviation = _device.Output(tokens, 1);
        Tensor output = _device.Output(tokens, hidden);

        _device.Kernels.EmbedNorm(batch, parameters, dropout, normalized, inverseDeviation, output);
        _device.Kernels.EmbedNormBackward(batch, parameters, dropout, normalized, inverseDeviation, _device.Float(dy), accumulate: false);

        Array2 Forward() => Reference.Multiply(Reference.LayerNorm(Reference.Embed(ids, positions, word, position, tokenType), weight, bias, Epsilon), factors);
        double Objective() => Reference.Dot(dy, Forward());
        Close.Check(_device.Read(output), Forward(), word, "y");
        FiniteDifferences.Check(Objective, word, _device.Read(parameters.Word.Gradient), dy, "word");
        FiniteDifferences.Check(Objective, position, _device.Read(parameters.Position.Gradient), dy, "position");
        FiniteDifferences.Check(Objective, weight, _device.Read(parameters.Norm.Weight.Gradient), dy, "norm weight");
        FiniteDifferences.Check(Objective, bias, _device.Read(parameters.Norm.Bias.Gradient), dy, "norm bias");
        if (tokenType is not null)
        {
            FiniteDifferences.Check(Objective, tokenType, _device.Read(parameters.TokenType.Gradient), dy, "token type");
        }
    }

    [Test]
    public void RowsThatOnlyTheStepBeforeUsedGetZero()
    {
        EmbeddingParameters parameters = Parameters(vocabulary: 200, hidden: 16);
        Backward(parameters, [[1, 2, 3], [150, 199]], accumulate: false);
        Backward(parameters, [[2, 64, 65]], accumulate: false);

        Array2 again = Gradient(parameters);
        Assert.That(UsedRows(again), Is.EqualTo((int[])[2, 64, 65]));
        Assert.That(again.Values, Is.EqualTo(Fresh([[2, 64, 65]]).Values), "as if the first step had not been");
    }

    [Test]
    public void MicroBatchesAreAdded()
    {
        EmbeddingParameters parameters = Parameters(vocabulary: 200, hidden: 16);
        Backward(parameters, [[5, 5, 9]], accumulate: false);
        Backward(parameters, [[1, 2, 3]], accumulate: false);
        Backward(parameters, [[2, 180]], accumulate: true);

        Array2 sum = Gradient(parameters);
        Assert.That(UsedRows(sum), Is.EqualTo((int[])[1, 2, 3, 180]));
        Close.Check(sum, Reference.Add(Fresh([[1, 2, 3]]), Fresh([[2, 180]])), sum, "sum");

        // Rows of the added micro-batch are cleared as well.
        Backward(parameters, [[7]], accumulate: false);
        Assert.That(UsedRows(Gradient(parameters)), Is.EqualTo((int[])[7]));
    }

    [Test]
    public void WhatOthersWroteToTheGradientIsOverwritten()
    {
        EmbeddingParameters parameters = Parameters(vocabulary: 100, hidden: 16);
        Backward(parameters, [[1]], accumulate: false);
        _device.Kernels.Fill(parameters.Word.Gradient, 3f);
        Backward(parameters, [[2]], accumulate: false);
        Assert.That(UsedRows(Gradient(parameters)), Is.EqualTo((int[])[2]));

        _device.Kernels.Write(parameters.Word.Gradient, Array2.Filled(100, 16, 3).Floats());
        Backward(parameters, [[3]], accumulate: false);
        Assert.That(UsedRows(Gradient(parameters)), Is.EqualTo((int[])[3]));

        _device.Kernels.Copy(_device.Float(Array2.Filled(100, 16, 3)), parameters.Word.Gradient);
        Backward(parameters, [[4]], accumulate: false);
        Assert.That(UsedRows(Gradient(parameters)), Is.EqualTo((int[])[4]));
    }

    [Test]
    public void ThePaddingTokensRowGetsNone()
    {
        EmbeddingParameters parameters = Parameters(vocabulary: 20, hidden: 16) with { PaddingId = 3 };
        Backward(parameters, [[1, 3, 2], [3]], accumulate: false);
        Assert.That(UsedRows(Gradient(parameters)), Is.EqualTo((int[])[1, 2]));
    }

    [Test]
    public void ATokenBeyondTheTableIsRefused()
    {
        EmbeddingParameters parameters = Parameters(vocabulary: 20, hidden: 16);
        DeviceBatch batch = _device.Batch([[4, 20]]);
        ArgumentException? refusal = Assert.Throws<ArgumentException>(
            () => _device.Kernels.EmbedNorm(batch, parameters, Dropout.None, Tensor.None, Tensor.None, _device.Output(2, 16)));
        Assert.That(refusal!.Message, Does.Contain("token id 20").And.Contain("20 rows"));
    }

    private EmbeddingParameters Parameters(int vocabulary, int hidden) => new(
        _device.Parameter(new Array2(vocabulary, hidden)), _device.Parameter(new Array2(8, hidden)), Parameter.None,
        new NormParameters(_device.Parameter(Array2.Filled(1, hidden, 1)), _device.Parameter(new Array2(1, hidden)), Epsilon));

    private Array2 Fresh(int[][] sentences)
    {
        EmbeddingParameters parameters = Parameters(vocabulary: 200, hidden: 16);
        Backward(parameters, sentences, accumulate: false);
        return Gradient(parameters);
    }

    /// <summary>A backward pass with the same gradient in every test: that of token t is drawn from t.</summary>
    private void Backward(in EmbeddingParameters parameters, int[][] sentences, bool accumulate)
    {
        DeviceBatch batch = _device.Batch(sentences);
        int hidden = parameters.Word.Value.Columns;
        Random random = new(5);
        Array2 normalized = Array2.Random(batch.Tokens, hidden, random);
        Array2 gradient = Array2.Random(batch.Tokens, hidden, random);
        _device.Kernels.EmbedNormBackward(
            batch, parameters, Dropout.None, _device.Float(normalized), _device.Float(Array2.Filled(batch.Tokens, 1, 1)), _device.Float(gradient), accumulate);
    }

    private Array2 Gradient(in EmbeddingParameters parameters) => _device.Read(parameters.Word.Gradient);

    private static int[] UsedRows(Array2 gradient) => [.. Enumerable.Range(0, gradient.Rows).Where(row => gradient.RowsOf(row, 1).Norm > 0)];
}
