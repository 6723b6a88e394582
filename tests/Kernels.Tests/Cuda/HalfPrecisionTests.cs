using MnrEngine.Kernels.Cuda;
using MnrEngine.Kernels.Tests.Operations;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cuda;

/// <summary>The operations on bf16 activations, forward and backward, against double precision (<see cref="HalfPrecision"/>).</summary>
internal sealed class HalfPrecisionTests
{
    private const ulong Seed = 0x0123456789abcdef;
    private const float Epsilon = 1e-5f;

    private static readonly Lazy<CudaKernels> Started = new(static () => CudaTarget.Create(KernelTarget.ExactShapes with { Precision = CudaPrecision.BFloat16 }));

    private Device _device = null!;
    private Random _random = null!;

    [SetUp]
    public void SetUp()
    {
        _device = new Device(Started.Value, ownsKernels: false);
        _random = new Random(21);
    }

    [TearDown]
    public void TearDown() => _device.Dispose();

    [TestCase(1, 64, 64)]
    [TestCase(13, 64, 192)]
    [TestCase(77, 256, 72)]
    [TestCase(50, 1024, 16)]
    public void Linear(int rows, int inputs, int outputs)
    {
        Array2 x = Array2.Random(rows, inputs, _random);
        Array2 w = Array2.Random(outputs, inputs, _random, 0.1);
        Array2 b = Array2.Random(1, outputs, _random);
        Array2 dy = Array2.Random(rows, outputs, _random);
        LinearParameters linear = Parameters(w, b);
        Tensor input = _device.Activations(x);
        Tensor output = _device.ActivationOutput(rows, outputs);
        Tensor inputGradient = _device.ActivationOutput(rows, inputs);

        _device.Kernels.Linear(input, linear, output);
        _device.Kernels.LinearBackward(input, linear, _device.Activations(dy), inputGradient, addToInputGradient: false, accumulate: false);

        Array2 xr = HalfPrecision.Round(x), wr = HalfPrecision.Round(w), br = HalfPrecision.Round(b), dyr = HalfPrecision.Round(dy);
        Check(output, Reference.Linear(x, w, b), HalfPrecision.Round(Reference.Linear(xr, wr, br)), "y");
        Check(inputGradient, ReferenceGradients.Product(dy, w), HalfPrecision.Round(ReferenceGradients.Product(dyr, wr)), "dx");
        CheckWeights(linear, x, dy, xr, dyr);
    }

    [Test]
    public void LinearActivation([Values] Activation activation, [Values(1, 37)] int rows, [Values(64, 72)] int outputs)
    {
        const int Inputs = 64;
        Array2 x = Array2.Random(rows, Inputs, _random);
        Array2 w = Array2.Random(outputs, Inputs, _random, 0.2);
        Array2 b = Array2.Random(1, outputs, _random);
        Array2 dy = Array2.Random(rows, outputs, _random);
        LinearParameters linear = Parameters(w, b);
        Tensor input = _device.Activations(x);
        Tensor preactivation = _device.ActivationOutput(rows, outputs);
        Tensor output = _device.ActivationOutput(rows, outputs);
        Tensor outputGradient = _device.Activations(dy);
        Tensor inputGradient = _device.ActivationOutput(rows, Inputs);

        _device.Kernels.LinearActivation(input, linear, activation, preactivation, output);
        _device.Kernels.LinearActivationBackward(input, linear, activation, preactivation, outputGradient, inputGradient, addToInputGradient: false, accumulate: false);

        Array2 xr = HalfPrecision.Round(x), wr = HalfPrecision.Round(w), dyr = HalfPrecision.Round(dy);
        Array2 z = Reference.Linear(x, w, b);
        Array2 zr = Reference.Linear(xr, wr, b);
        Array2 dz = ReferenceGradients.Activation(z, dy, activation);
        Array2 dzr = HalfPrecision.Round(ReferenceGradients.Activation(HalfPrecision.Round(zr), dyr, activation));
        Check(preactivation, z, HalfPrecision.Round(zr), "z");
        Check(output, Reference.Activate(z, activation), HalfPrecision.Round(Reference.Activate(zr, activation)), "y");
        Check(outputGradient, dz, dzr, "dz");
        Check(inputGradient, ReferenceGradients.Product(dz, w), HalfPrecision.Round(ReferenceGradients.Product(dzr, wr)), "dx");
        CheckWeights(linear, x, dz, xr, dzr);
    }

    [TestCase(1, 64, 64, 0f)]
    [TestCase(29, 64, 128, 0.1f)]
    [TestCase(70, 128, 1024, 0.1f)]
    [TestCase(19, 72, 72, 0.5f)]
    public void LinearDropoutAddNorm(int rows, int inputs, int width, float probability)
    {
        Array2 x = Array2.Random(rows, inputs, _random);
        Array2 w = Array2.Random(width, inputs, _random, 0.1);
        Array2 b = Array2.Random(1, width, _random);
        Array2 residual = Array2.Random(rows, width, _random);
        Array2 weight = Array2.Random(1, width, _random);
        Array2 bias = Array2.Random(1, width, _random);
        Array2 dy = Array2.Random(rows, width, _random);
        LinearParameters linear = Parameters(w, b);
        NormParameters norm = new(_device.Parameter(weight), _device.Parameter(bias), Epsilon);
        Dropout dropout = _device.Dropout(probability, 5, Seed, 9);
        Array2 factors = new(rows, width, Reference.DropoutFactors(probability, 5, Seed, 9, rows * width));
        Tensor input = _device.Activations(x);
        Tensor normalized = _device.ActivationOutput(rows, width);
        Tensor inverseDeviation = _device.Output(rows, 1);
        Tensor output = _device.ActivationOutput(rows, width);
        Tensor inputGradient = _device.ActivationOutput(rows, inputs);
        Tensor residualGradient = _device.ActivationOutput(rows, width);

        _device.Kernels.LinearDropoutAddNorm(input, linear, dropout, _device.Activations(residual), norm, normalized, inverseDeviation, output);
        _device.Kernels.LinearDropoutAddNormBackward(
            input, linear, dropout, norm, normalized, inverseDeviation, _device.Activations(dy), inputGradient, residualGradient, accumulate: false);

        Array2 xr = HalfPrecision.Round(x), wr = HalfPrecision.Round(w), dyr = HalfPrecision.Round(dy);
        Array2 sum = Reference.Add(Reference.Multiply(Reference.Linear(x, w, b), factors), residual);
        Array2 sumRounded = Reference.Add(Reference.Multiply(HalfPrecision.Round(Reference.Linear(xr, wr, b)), factors), HalfPrecision.Round(residual));
        Check(output, Reference.LayerNorm(sum, weight, bias, Epsilon), HalfPrecision.Round(Reference.LayerNorm(sumRounded, weight, bias, Epsilon)), "y");
        (Array2 n, Array2 inverse) = ReferenceGradients.Normalize(sum, Epsilon);
        (Array2 nr, Array2 inverseRounded) = ReferenceGradients.Normalize(sumRounded, Epsilon);
        nr = HalfPrecision.Round(nr);
        Array2 dx = ReferenceGradients.LayerNorm(n, inverse, weight, dy);
        Array2 dxr = HalfPrecision.Round(ReferenceGradients.LayerNorm(nr, inverseRounded, weight, dyr));
        Array2 dLinear = Reference.Multiply(dx, factors);
        Array2 dLinearRounded = HalfPrecision.Round(Reference.Multiply(dxr, factors));
        Check(residualGradient, dx, dxr, "residual");
        Check(inputGradient, ReferenceGradients.Product(dLinear, w), HalfPrecision.Round(ReferenceGradients.Product(dLinearRounded, wr)), "dx");
        Check(norm.Weight.Gradient, ReferenceGradients.ColumnSums(Reference.Multiply(dy, n)), ReferenceGradients.ColumnSums(Reference.Multiply(dyr, nr)), "norm weight");
        Check(norm.Bias.Gradient, ReferenceGradients.ColumnSums(dy), ReferenceGradients.ColumnSums(dyr), "norm bias");
        CheckWeights(linear, x, dLinear, xr, dLinearRounded);
    }

    [TestCase(new[] { 1 }, 64, 0f)]
    [TestCase(new[] { 5, 1, 12, 3 }, 72, 0.1f)]
    public void EmbedNorm(int[] lengths, int hidden, float probability)
    {
        const int Vocabulary = 10;
        int tokens = lengths.Sum();
        int[][] sentences = [.. lengths.Select(length => Enumerable.Range(0, length).Select(_ => _random.Next(Vocabulary)).ToArray())];
        int[] ids = [.. sentences.SelectMany(static sentence => sentence)];
        int[] positions = [.. lengths.SelectMany(static length => Enumerable.Range(0, length))];
        Array2 word = Array2.Random(Vocabulary, hidden, _random);
        Array2 position = Array2.Random(20, hidden, _random);
        Array2 weight = Array2.Random(1, hidden, _random);
        Array2 bias = Array2.Random(1, hidden, _random);
        Array2 dy = Array2.Random(tokens, hidden, _random);
        EmbeddingParameters parameters = new(
            _device.Parameter(word), _device.Parameter(position), Parameter.None, new NormParameters(_device.Parameter(weight), _device.Parameter(bias), Epsilon));
        Dropout dropout = _device.Dropout(probability, 0, Seed, 3);
        Array2 factors = new(tokens, hidden, Reference.DropoutFactors(probability, 0, Seed, 3, tokens * hidden));
        DeviceBatch batch = _device.Batch(sentences);
        Tensor normalized = _device.ActivationOutput(tokens, hidden);
        Tensor inverseDeviation = _device.Output(tokens, 1);
        Tensor output = _device.ActivationOutput(tokens, hidden);

        _device.Kernels.EmbedNorm(batch, parameters, dropout, normalized, inverseDeviation, output);
        _device.Kernels.EmbedNormBackward(batch, parameters, dropout, normalized, inverseDeviation, _device.Activations(dy), accumulate: false);

        Array2 y = Reference.Multiply(Reference.LayerNorm(Reference.Embed(ids, positions, word, position, null), weight, bias, Epsilon), factors);
        Check(output, y, HalfPrecision.Round(y), "y");
        (Array2 n, Array2 inverse) = ReferenceGradients.Normalize(Reference.Embed(ids, positions, word, position, null), Epsilon);
        Array2 nr = HalfPrecision.Round(n);
        Array2 passed = Reference.Multiply(dy, factors);
        Array2 passedRounded = Reference.Multiply(HalfPrecision.Round(dy), factors);
        Array2 dx = ReferenceGradients.LayerNorm(n, inverse, weight, passed);
        Array2 dxr = HalfPrecision.Round(ReferenceGradients.LayerNorm(nr, inverse, weight, passedRounded));
        Check(parameters.Word.Gradient, Gathered(dx, ids, Vocabulary), Gathered(dxr, ids, Vocabulary), "word");
        Check(parameters.Position.Gradient, Gathered(dx, positions, 20), Gathered(dxr, positions, 20), "position");
        Check(
            parameters.Norm.Weight.Gradient, ReferenceGradients.ColumnSums(Reference.Multiply(passed, n)), ReferenceGradients.ColumnSums(Reference.Multiply(passedRounded, nr)), "norm weight");
    }

    [TestCase(new[] { 2 }, 1, 32, 0f)]
    [TestCase(new[] { 5, 1, 13, 3 }, 2, 32, 0.1f)]
    [TestCase(new[] { 33, 2, 64 }, 2, 64, 0.1f)]
    [TestCase(new[] { 31, 32, 65 }, 1, 128, 0f)]
    [TestCase(new[] { 512, 1 }, 1, 16, 0.1f)]
    public void Attention(int[] lengths, int heads, int headDim, float probability)
    {
        int tokens = lengths.Sum();
        int hidden = heads * headDim;
        Array2 qkv = Array2.Random(tokens, 3 * hidden, _random);
        Array2 dy = Array2.Random(tokens, hidden, _random);
        double[] factors = Reference.DropoutFactors(probability, 2, Seed, 4, lengths.Sum(length => heads * length * length));
        Dropout dropout = _device.Dropout(probability, 2, Seed, 4);
        DeviceBatch batch = _device.Batch(lengths);
        Tensor input = _device.Activations(qkv);
        Tensor logSumExp = _device.Output(tokens, heads);
        Tensor context = _device.ActivationOutput(tokens, hidden);
        Tensor gradient = _device.ActivationOutput(tokens, 3 * hidden);

        _device.Kernels.Attention(batch, input, heads, Tensor.None, dropout, logSumExp, context);
        _device.Kernels.AttentionBackward(batch, input, heads, Tensor.None, dropout, logSumExp, context, _device.Activations(dy), gradient, Tensor.None);

        (Array2 exact, Array2 exactGradient) = ReferenceGradients.Attention(lengths, qkv, heads, factors, dy, static x => x);
        (Array2 rounded, Array2 roundedGradient) = ReferenceGradients.Attention(lengths, HalfPrecision.Round(qkv), heads, factors, HalfPrecision.Round(dy), HalfPrecision.Round);
        Check(context, exact, HalfPrecision.Round(rounded), "context");
        Check(gradient, exactGradient, HalfPrecision.Round(roundedGradient), "qkv");
    }

    [Test]
    public void Pooling([Values(1, 200)] int length, [Values(64, 72)] int hidden)
    {
        const PoolingModes Modes = PoolingModes.Cls | PoolingModes.Max | PoolingModes.Mean | PoolingModes.MeanSqrtLength | PoolingModes.WeightedMean | PoolingModes.LastToken;
        int[] lengths = [length, 3];

        // What is rounded already, so that rounding does not move a maximum to another token.
        Array2 x = HalfPrecision.Round(Array2.Random(lengths.Sum(), hidden, _random));
        Array2 dy = Array2.Random(2, 6 * hidden, _random);
        DeviceBatch batch = _device.Batch(lengths);
        Tensor input = _device.Activations(x);
        Tensor pooled = _device.Output(2, 6 * hidden);
        Tensor gradient = _device.ActivationOutput(x.Rows, hidden);

        _device.Kernels.Pool(batch, Modes, input, pooled);
        _device.Kernels.PoolBackward(batch, Modes, input, _device.Float(dy), gradient);

        Close.Check(_device.Read(pooled), Reference.Pool(lengths, x, Modes), x, "pooled");
        Array2 expected = PoolGradient(lengths, x, dy);
        Check(gradient, expected, HalfPrecision.Round(expected), "hidden");
    }

    [Test]
    public void ModulesBehindThePoolingStayInSinglePrecision()
    {
        Array2 x = Array2.Random(9, 24, _random);
        Array2 w = Array2.Random(16, 24, _random);
        Array2 b = Array2.Random(1, 16, _random);
        Array2 dy = Array2.Random(9, 16, _random);
        LinearParameters linear = new(_device.Parameter(w), _device.Parameter(b));
        Tensor input = _device.Float(x);
        Tensor preactivation = _device.Output(9, 16);
        Tensor output = _device.Output(9, 16);
        Tensor inputGradient = _device.Output(9, 24);

        _device.Kernels.LinearActivation(input, linear, Activation.Tanh, preactivation, output);
        _device.Kernels.LinearActivationBackward(input, linear, Activation.Tanh, preactivation, _device.Float(dy), inputGradient, addToInputGradient: false, accumulate: false);

        Array2 z = Reference.Linear(x, w, b);
        Array2 dz = ReferenceGradients.Activation(z, dy, Activation.Tanh);
        Close.Check(_device.Read(output), Reference.Activate(z, Activation.Tanh), x, "y");
        Close.Check(_device.Read(inputGradient), ReferenceGradients.Product(dz, w), dy, "dx");
        Close.Check(_device.Read(linear.Weight.Gradient), ReferenceGradients.Product(ReferenceGradients.Transposed(dz), x), dy, "dW");
    }

    private static Array2 Gathered(Array2 rows, int[] places, int count)
    {
        Array2 result = new(count, rows.Columns);
        for (int row = 0; row < rows.Rows; row++)
        {
            for (int column = 0; column < rows.Columns; column++)
            {
                result[places[row], column] += rows[row, column];
            }
        }

        return result;
    }

    private static Array2 PoolGradient(int[] lengths, Array2 x, Array2 dy)
    {
        int hidden = x.Columns;
        Array2 result = new(x.Rows, hidden);
        int first = 0;
        for (int sentence = 0; sentence < lengths.Length; sentence++)
        {
            int length = lengths[sentence];
            for (int i = 0; i < hidden; i++)
            {
                int largest = Enumerable.Range(0, length).MaxBy(token => x[first + token, i]);
                for (int token = 0; token < length; token++)
                {
                    double Of(int mode) => dy[sentence, (mode * hidden) + i];
                    result[first + token, i] = (token == 0 ? Of(0) : 0) + (token == largest ? Of(1) : 0) + (Of(2) / length) + (Of(3) / Math.Sqrt(length))
                        + (Of(4) * (token + 1) / (length * (length + 1) / 2.0)) + (token == length - 1 ? Of(5) : 0);
                }
            }

            first += length;
        }

        return result;
    }

    private void Check(Tensor actual, Array2 exact, Array2 rounded, string what) => HalfPrecision.Check(_device.Read(actual), exact, rounded, what);

    /// <summary>The gradients of weights and bias, which stay single precision.</summary>
    private void CheckWeights(in LinearParameters linear, Array2 x, Array2 dy, Array2 xRounded, Array2 dyRounded)
    {
        Check(
            linear.Weight.Gradient, ReferenceGradients.Product(ReferenceGradients.Transposed(dy), x),
            ReferenceGradients.Product(ReferenceGradients.Transposed(dyRounded), xRounded), "dW");
        Check(linear.Bias.Gradient, ReferenceGradients.ColumnSums(dy), ReferenceGradients.ColumnSums(dyRounded), "db");
    }

    private LinearParameters Parameters(Array2 weight, Array2 bias) => new(_device.PublishedParameter(weight), _device.PublishedParameter(bias));
}
