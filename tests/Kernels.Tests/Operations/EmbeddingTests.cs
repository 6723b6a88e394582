using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The embedding against the reference and its finite differences.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class EmbeddingTests(KernelTarget target) : OperationTests(target, 12)
{
    [TestCase(new[] { 1 }, 8, 0f, true)]
    [TestCase(new[] { 5, 1, 12, 3 }, 33, 0.1f, true)]
    [TestCase(new[] { 5, 1, 12, 3 }, 33, 0f, false)]
    [TestCase(new[] { 70, 40 }, 24, 0.5f, true)]
    [TestCase(new[] { 3, 1, 5 }, 1024, 0.1f, true)]
    public void EmbedNorm(int[] lengths, int hidden, float probability, bool hasTokenType)
    {
        EmbedNormPass pass = LayerPasses.EmbedNorm(Device, Random, lengths, hidden, probability, hasTokenType, vocabulary: 10, places: 80);
        (EmbeddingParameters parameters, Array2 word, Array2 position, Array2? tokenType, Array2 weight, Array2 bias, Array2 dy) =
            (pass.Parameters, pass.Word, pass.Position, pass.TokenType, pass.Weight, pass.Bias, pass.Dy);

        Array2 Forward() => Reference.Multiply(
            Reference.LayerNorm(Reference.Embed(pass.Ids, pass.Positions, word, position, tokenType), weight, bias, LayerPasses.Epsilon), pass.Factors);
        double Objective() => Reference.Dot(dy, Forward());
        Close.Check(Device.Read(pass.Output), Forward(), word, "y");
        FiniteDifferences.Check(Objective, word, Device.Read(parameters.Word.Gradient), dy, "word");
        FiniteDifferences.Check(Objective, position, Device.Read(parameters.Position.Gradient), dy, "position");
        FiniteDifferences.Check(Objective, weight, Device.Read(parameters.Norm.Weight.Gradient), dy, "norm weight");
        FiniteDifferences.Check(Objective, bias, Device.Read(parameters.Norm.Bias.Gradient), dy, "norm bias");
        if (tokenType is not null)
        {
            FiniteDifferences.Check(Objective, tokenType, Device.Read(parameters.TokenType.Gradient), dy, "token type");
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
        Device.Kernels.Fill(parameters.Word.Gradient, 3f);
        Backward(parameters, [[2]], accumulate: false);
        Assert.That(UsedRows(Gradient(parameters)), Is.EqualTo((int[])[2]));

        Device.Kernels.Write(parameters.Word.Gradient, Array2.Filled(100, 16, 3).Floats());
        Backward(parameters, [[3]], accumulate: false);
        Assert.That(UsedRows(Gradient(parameters)), Is.EqualTo((int[])[3]));

        Device.Kernels.Copy(Device.Float(Array2.Filled(100, 16, 3)), parameters.Word.Gradient);
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
        DeviceBatch batch = Device.Batch([[4, 20]]);
        ArgumentException? refusal = Assert.Throws<ArgumentException>(
            () => Device.Kernels.EmbedNorm(batch, parameters, Dropout.None, Tensor.None, Tensor.None, Device.Output(2, 16)));
        Assert.That(refusal!.Message, Does.Contain("token id 20").And.Contain("20 rows"));
    }

    [Test]
    public void TheOptimizerSeesTheGradientAsAnyOther([Values] bool decoupled)
    {
        const int Vocabulary = 1500;
        const int Hidden = 16;
        const int Count = Vocabulary * Hidden / AdamState.BlockLength * AdamState.BlockLength;
        EmbeddingParameters parameters = Parameters(Vocabulary, Hidden);
        Tensor gradient = parameters.Word.Gradient.View(0, 1, Count);
        Tensor decay = Device.Float(Array2.Filled(1, Count / AdamState.BlockLength, 0.1f));
        AdamState state = new(Device.Float(Array2.Random(1, Count, new Random(3))), gradient, Device.Zeros(1, Count), Device.Zeros(1, Count), decay);
        AdamState other = new(Device.Float(Device.Read(state.Weights)), Device.Zeros(1, Count), Device.Zeros(1, Count), Device.Zeros(1, Count), decay);
        AdamOptions options = new(0.9, 0.999, 1e-8, decoupled);
        Tensor rates = Device.Output(1, 4);
        Device.Kernels.Write(rates, [0.01f, 0.02f, 1.5f, 0f]);
        int[][][] batches = [[[4, 1400, 7]], [[800, 9], [7]], [[4]], [[1499, 0]]];
        for (int step = 0; step < 2 * batches.Length; step++)
        {
            Backward(parameters, batches[step % batches.Length], accumulate: step % 2 == 1);
            if (step == 5)
            {
                // From outside, in a row that no batch has.
                Device.Kernels.Write(parameters.Word.Gradient.Slice(1000, 1), [.. Enumerable.Repeat(0.5f, Hidden)]);
            }

            Device.Kernels.Write(other.Gradients, [.. Device.Read(gradient).Values.Select(static value => (float)value)]);
            Tensor clip = Device.Output(1, 1);
            Tensor otherClip = Device.Output(1, 1);
            Assert.That(Norm(gradient, clip), Is.EqualTo(Norm(other.Gradients, otherClip)), $"step {step}");
            Device.Kernels.Adam(state, options, rates, clip);
            Device.Kernels.Adam(other, options, rates, otherClip);
        }

        Assert.That(Device.Read(state.Weights).Values, Is.EqualTo(Device.Read(other.Weights).Values));
        Assert.That(Device.Read(state.FirstMoments).Values, Is.EqualTo(Device.Read(other.FirstMoments).Values));
        Assert.That(Device.Read(state.SecondMoments).Values, Is.EqualTo(Device.Read(other.SecondMoments).Values));

        double Norm(Tensor gradients, Tensor clip)
        {
            Tensor norm = Device.Output(1, 1);
            Device.Kernels.GlobalNorm(gradients, 0.5f, norm, clip);
            return Device.Read(norm)[0, 0];
        }
    }

    [Test]
    public void ATableThatIsGoneKeepsNothingFromBeingOptimized()
    {
        EmbeddingParameters parameters = Parameters(vocabulary: 200, hidden: 16);
        using (DeviceArena arena = Device.Kernels.CreateArena("another model", DeviceArena.BytesOf(ElementType.Float32, 200, 16)))
        {
            Parameter gone = new(parameters.Word.Value, arena.Allocate(ElementType.Float32, 200, 16));
            Backward(parameters with { Word = gone }, [[4, 7]], accumulate: false);
        }

        Tensor norm = Device.Output(1, 1);
        Device.Kernels.GlobalNorm(Device.Float(Array2.Filled(1, 4, 3)), float.PositiveInfinity, norm, Device.Output(1, 1));

        Assert.That(Device.Read(norm)[0, 0], Is.EqualTo(6));
    }

    private EmbeddingParameters Parameters(int vocabulary, int hidden) => new(
        Device.Parameter(new Array2(vocabulary, hidden)), Device.Parameter(new Array2(8, hidden)), Parameter.None,
        new NormParameters(Device.Parameter(Array2.Filled(1, hidden, 1)), Device.Parameter(new Array2(1, hidden)), LayerPasses.Epsilon));

    private Array2 Fresh(int[][] sentences)
    {
        EmbeddingParameters parameters = Parameters(vocabulary: 200, hidden: 16);
        Backward(parameters, sentences, accumulate: false);
        return Gradient(parameters);
    }

    /// <summary>A backward pass with the same gradient in every test: that of token t is drawn from t.</summary>
    private void Backward(in EmbeddingParameters parameters, int[][] sentences, bool accumulate)
    {
        DeviceBatch batch = Device.Batch(sentences);
        int hidden = parameters.Word.Value.Columns;
        Random random = new(5);
        Array2 normalized = Array2.Random(batch.Tokens, hidden, random);
        Array2 gradient = Array2.Random(batch.Tokens, hidden, random);
        Device.Kernels.EmbedNormBackward(
            batch, parameters, Dropout.None, Device.Float(normalized), Device.Float(Array2.Filled(batch.Tokens, 1, 1)), Device.Float(gradient), accumulate);
    }

    private Array2 Gradient(in EmbeddingParameters parameters) => Device.Read(parameters.Word.Gradient);

    private static int[] UsedRows(Array2 gradient) => [.. Enumerable.Range(0, gradient.Rows).Where(row => gradient.RowsOf(row, 1).Norm > 0)];
}
