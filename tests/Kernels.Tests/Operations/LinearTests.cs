using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Linear layers against the reference and its finite differences.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.WithOtherProducts))]
internal sealed class LinearTests(KernelTarget target)
{
    private const ulong Seed = 0x0123456789abcdef;

    private Device _device = null!;
    private Random _random = null!;

    [SetUp]
    public void SetUp()
    {
        _device = new Device(target);
        _random = new Random(11);
    }

    [TearDown]
    public void TearDown() => _device.Dispose();

    [Test]
    public void Linear([Values(1, 13, 50)] int rows, [Values(1, 17, 48)] int inputs, [Values(1, 35)] int outputs, [Values] bool hasBias)
    {
        Array2 x = Array2.Random(rows, inputs, _random);
        Array2 w = Array2.Random(outputs, inputs, _random);
        Array2? b = hasBias ? Array2.Random(1, outputs, _random) : null;
        Array2 dy = Array2.Random(rows, outputs, _random);
        LinearParameters linear = Parameters(w, b);
        Tensor input = _device.Float(x);
        Tensor output = _device.Output(rows, outputs);
        Tensor inputGradient = _device.Output(rows, inputs);

        _device.Kernels.Linear(input, linear, output);
        _device.Kernels.LinearBackward(input, linear, _device.Float(dy), inputGradient, addToInputGradient: false, accumulate: false);

        Close.Check(_device.Read(output), Reference.Linear(x, w, b), x, "y");
        double Objective() => Reference.Dot(dy, Reference.Linear(x, w, b));
        FiniteDifferences.Check(Objective, x, _device.Read(inputGradient), dy, "x");
        FiniteDifferences.Check(Objective, w, _device.Read(linear.Weight.Gradient), dy, "W");
        if (b is not null)
        {
            FiniteDifferences.Check(Objective, b, _device.Read(linear.Bias.Gradient), dy, "b");
        }
    }

    /// <summary>A gradient that is one number, or a few, is a sum of which anything may be left, from all its terms to next to nothing: in thirty draws something of everything.</summary>
    [Test]
    public void GradientsOfFewWeightsAreRightWhereTheirTermsCancel([Values(1, 2, 5)] int outputs, [Values(50, 997, 4099)] int rows)
    {
        for (int draw = 0; draw < 30; draw++)
        {
            Array2 x = Array2.Random(rows, 1, _random);
            Array2 dy = Array2.Random(rows, outputs, _random);
            LinearParameters linear = Parameters(Array2.Random(outputs, 1, _random), Array2.Random(1, outputs, _random));

            _device.Kernels.LinearBackward(_device.Float(x), linear, _device.Float(dy), Tensor.None, addToInputGradient: false, accumulate: false);

            Close.Check(_device.Read(linear.Weight.Gradient), ReferenceGradients.Product(ReferenceGradients.Transposed(dy), x), dy, $"dW, draw {draw}");
            Close.Check(_device.Read(linear.Bias.Gradient), ReferenceGradients.ColumnSums(dy), dy, $"db, draw {draw}");
        }
    }

    [Test]
    public void PublishedWeightsAreUsedAsTheyAreWhenTheyWereLastPublished()
    {
        Array2 x = Array2.Random(20, 24, _random);
        using DeviceArena arena = _device.Kernels.CreateArena("weights", 2 * DeviceArena.BytesOf(ElementType.Float32, 33, 24));
        Tensor[] weights = [arena.Allocate(ElementType.Float32, 33, 24), arena.Allocate(ElementType.Float32, 33, 24)];
        Tensor output = _device.Output(20, 33);
        for (int publication = 0; publication < 3; publication++)
        {
            Array2[] values = [Array2.Random(33, 24, _random), Array2.Random(33, 24, _random)];
            for (int i = 0; i < weights.Length; i++)
            {
                _device.Kernels.Write(weights[i], values[i].Floats());
                _device.Kernels.PublishWeights(weights[i]);
            }

            for (int use = 0; use < 4; use++)
            {
                LinearParameters linear = new(new Parameter(weights[use % 2], _device.Output(33, 24)), default);
                _device.Kernels.Linear(_device.Float(x), linear, output);
                Close.Check(_device.Read(output), Reference.Linear(x, values[use % 2], null), x, "y");
            }
        }
    }

    [Test]
    public void LinearActivation([Values] Activation activation, [Values(1, 37)] int rows, [Values(3, 40)] int outputs, [Values] bool hasBias)
    {
        const int Inputs = 12;
        Array2 x = Array2.Random(rows, Inputs, _random);
        Array2 w = Array2.Random(outputs, Inputs, _random, 0.5);
        Array2? b = hasBias ? Array2.Random(1, outputs, _random) : null;
        Array2 dy = Array2.Random(rows, outputs, _random);
        LinearParameters linear = Parameters(w, b);
        Tensor input = _device.Float(x);
        Tensor preactivation = _device.Output(rows, outputs);
        Tensor output = _device.Output(rows, outputs);
        Tensor outputGradient = _device.Float(dy);
        Tensor inputGradient = _device.Output(rows, Inputs);

        _device.Kernels.LinearActivation(input, linear, activation, preactivation, output);
        _device.Kernels.LinearActivationBackward(input, linear, activation, preactivation, outputGradient, inputGradient, addToInputGradient: false, accumulate: false);

        Array2 z = Reference.Linear(x, w, b);
        Close.Check(_device.Read(preactivation), z, x, "z");
        Close.Check(_device.Read(output), Reference.Activate(z, activation), x, "y");
        FiniteDifferences.Check(() => Reference.Dot(dy, Reference.Activate(z, activation)), z, _device.Read(outputGradient), dy, "z");
        double Objective() => Reference.Dot(dy, Reference.Activate(Reference.Linear(x, w, b), activation));
        FiniteDifferences.Check(Objective, x, _device.Read(inputGradient), dy, "x");
        FiniteDifferences.Check(Objective, w, _device.Read(linear.Weight.Gradient), dy, "W");
        if (b is not null)
        {
            FiniteDifferences.Check(Objective, b, _device.Read(linear.Bias.Gradient), dy, "b");
        }
    }

    [TestCase(1, 1, 8, 0f)]
    [TestCase(1, 1, 8, 0.5f)]
    [TestCase(5, 7, 33, 0.1f)]
    [TestCase(70, 24, 50, 0.1f)]
    [TestCase(70, 24, 50, 0f)]
    [TestCase(19, 8, 257, 0.9f)]
    [TestCase(7, 16, 1024, 0.1f)]
    [TestCase(513, 3, 64, 0.1f)]
    public void LinearDropoutAddNorm(int rows, int inputs, int width, float probability)
    {
        Array2 x = Array2.Random(rows, inputs, _random);
        Array2 w = Array2.Random(width, inputs, _random);
        Array2 b = Array2.Random(1, width, _random);
        Array2 residual = Array2.Random(rows, width, _random);
        Array2 weight = Array2.Random(1, width, _random);
        Array2 bias = Array2.Random(1, width, _random);
        Array2 dy = Array2.Random(rows, width, _random);
        const float Epsilon = 1e-5f;
        LinearParameters linear = Parameters(w, b);
        NormParameters norm = new(_device.Parameter(weight), _device.Parameter(bias), Epsilon);
        Dropout dropout = _device.Dropout(probability, 5, Seed, 9);
        Array2 factors = new(rows, width, Reference.DropoutFactors(probability, 5, Seed, 9, rows * width));
        Tensor input = _device.Float(x);
        Tensor normalized = _device.Output(rows, width);
        Tensor inverseDeviation = _device.Output(rows, 1);
        Tensor output = _device.Output(rows, width);
        Tensor inputGradient = _device.Output(rows, inputs);
        Tensor residualGradient = _device.Output(rows, width);

        _device.Kernels.LinearDropoutAddNorm(input, linear, dropout, _device.Float(residual), norm, normalized, inverseDeviation, output);
        _device.Kernels.LinearDropoutAddNormBackward(
            input, linear, dropout, norm, normalized, inverseDeviation, _device.Float(dy), inputGradient, residualGradient, accumulate: false);

        Array2 Forward() => Reference.LayerNorm(Reference.Add(Reference.Multiply(Reference.Linear(x, w, b), factors), residual), weight, bias, Epsilon);
        double Objective() => Reference.Dot(dy, Forward());
        Close.Check(_device.Read(output), Forward(), x, "y");
        FiniteDifferences.Check(Objective, x, _device.Read(inputGradient), dy, "x");
        FiniteDifferences.Check(Objective, residual, _device.Read(residualGradient), dy, "residual");
        FiniteDifferences.Check(Objective, w, _device.Read(linear.Weight.Gradient), dy, "W");
        FiniteDifferences.Check(Objective, b, _device.Read(linear.Bias.Gradient), dy, "b");
        FiniteDifferences.Check(Objective, weight, _device.Read(norm.Weight.Gradient), dy, "norm weight");
        FiniteDifferences.Check(Objective, bias, _device.Read(norm.Bias.Gradient), dy, "norm bias");
    }

    [Test]
    public void TheGradientOfTheResidualMayTakeThePlaceOfTheOutputs([Values(0f, 0.3f)] float probability)
    {
        Array2 x = Array2.Random(21, 10, _random);
        Array2 dy = Array2.Random(21, 30, _random);
        LinearParameters linear = Parameters(Array2.Random(30, 10, _random), Array2.Random(1, 30, _random));
        NormParameters norm = new(_device.Parameter(Array2.Random(1, 30, _random)), _device.Parameter(Array2.Random(1, 30, _random)), 1e-12f);
        Dropout dropout = _device.Dropout(probability, 1, Seed, 2);
        Tensor input = _device.Float(x);
        Tensor normalized = _device.Output(21, 30);
        Tensor inverseDeviation = _device.Output(21, 1);
        _device.Kernels.LinearDropoutAddNorm(input, linear, dropout, _device.Float(dy), norm, normalized, inverseDeviation, _device.Output(21, 30));
        Tensor apart = _device.Output(21, 30);
        Tensor inputGradient = _device.Output(21, 10);
        _device.Kernels.LinearDropoutAddNormBackward(input, linear, dropout, norm, normalized, inverseDeviation, _device.Float(dy), inputGradient, apart, accumulate: false);
        Array2 expected = _device.Read(inputGradient);
        Tensor same = _device.Float(dy);

        _device.Kernels.LinearDropoutAddNormBackward(input, linear, dropout, norm, normalized, inverseDeviation, same, inputGradient, same, accumulate: false);

        Assert.That(_device.Read(same).Values, Is.EqualTo(_device.Read(apart).Values));
        Assert.That(_device.Read(inputGradient).Values, Is.EqualTo(expected.Values));
    }

    [Test]
    public void WithoutABackwardPassNothingNeedsToBeSaved()
    {
        Array2 x = Array2.Random(9, 12, _random);
        LinearParameters linear = Parameters(Array2.Random(20, 12, _random), Array2.Random(1, 20, _random));
        NormParameters norm = new(_device.Parameter(Array2.Random(1, 20, _random)), _device.Parameter(Array2.Random(1, 20, _random)), 1e-12f);
        Tensor input = _device.Float(x);
        Tensor residual = _device.Float(Array2.Random(9, 20, _random));
        Tensor saving = _device.Output(9, 20);
        Tensor output = _device.Output(9, 20);

        _device.Kernels.LinearActivation(input, linear, Activation.Gelu, _device.Output(9, 20), saving);
        _device.Kernels.LinearActivation(input, linear, Activation.Gelu, Tensor.None, output);
        Assert.That(_device.Read(output).Values, Is.EqualTo(_device.Read(saving).Values));

        _device.Kernels.LinearDropoutAddNorm(input, linear, Dropout.None, residual, norm, _device.Output(9, 20), _device.Output(9, 1), saving);
        _device.Kernels.LinearDropoutAddNorm(input, linear, Dropout.None, residual, norm, Tensor.None, Tensor.None, output);
        Assert.That(_device.Read(output).Values, Is.EqualTo(_device.Read(saving).Values));
    }

    [Test]
    public void GradientsAreAddedWhenAsked()
    {
        Array2 x = Array2.Random(40, 10, _random);
        Array2 dy = Array2.Random(40, 30, _random);
        Array2 before = Array2.Random(40, 10, _random);
        LinearParameters linear = Parameters(Array2.Random(30, 10, _random), Array2.Random(1, 30, _random));
        Tensor input = _device.Float(x);
        Tensor once = _device.Output(40, 10);
        Tensor added = _device.Float(before);
        _device.Kernels.LinearBackward(input, linear, _device.Float(dy), once, addToInputGradient: false, accumulate: false);
        Array2 weightOnce = _device.Read(linear.Weight.Gradient);
        Array2 biasOnce = _device.Read(linear.Bias.Gradient);

        _device.Kernels.LinearBackward(input, linear, _device.Float(dy), added, addToInputGradient: true, accumulate: true);

        Close.Check(_device.Read(added), Reference.Add(before, _device.Read(once)), dy, "dx");
        Close.Check(_device.Read(linear.Weight.Gradient), Reference.Add(weightOnce, weightOnce), dy, "dW");
        Close.Check(_device.Read(linear.Bias.Gradient), Reference.Add(biasOnce, biasOnce), dy, "db");
    }

    [Test]
    public void GradientsOfAnActivatedLayerAreAddedWhenAsked()
    {
        Array2 x = Array2.Random(40, 10, _random);
        Array2 dy = Array2.Random(40, 30, _random);
        Array2 before = Array2.Random(40, 10, _random);
        LinearParameters linear = Parameters(Array2.Random(30, 10, _random), Array2.Random(1, 30, _random));
        Tensor input = _device.Float(x);
        Tensor preactivation = _device.Output(40, 30);
        Tensor once = _device.Output(40, 10);
        Tensor added = _device.Float(before);
        _device.Kernels.LinearActivation(input, linear, Activation.Gelu, preactivation, _device.Output(40, 30));
        _device.Kernels.LinearActivationBackward(input, linear, Activation.Gelu, preactivation, _device.Float(dy), once, addToInputGradient: false, accumulate: false);
        Array2 weightOnce = _device.Read(linear.Weight.Gradient);
        Array2 biasOnce = _device.Read(linear.Bias.Gradient);

        _device.Kernels.LinearActivationBackward(input, linear, Activation.Gelu, preactivation, _device.Float(dy), added, addToInputGradient: true, accumulate: true);

        Close.Check(_device.Read(added), Reference.Add(before, _device.Read(once)), dy, "dx");
        Close.Check(_device.Read(linear.Weight.Gradient), Reference.Add(weightOnce, weightOnce), dy, "dW");
        Close.Check(_device.Read(linear.Bias.Gradient), Reference.Add(biasOnce, biasOnce), dy, "db");
    }

    [Test]
    public void GradientsOfANormalizedLayerAreAddedWhenAsked()
    {
        Array2 x = Array2.Random(40, 10, _random);
        Array2 dy = Array2.Random(40, 30, _random);
        LinearParameters linear = Parameters(Array2.Random(30, 10, _random), Array2.Random(1, 30, _random));
        NormParameters norm = new(_device.Parameter(Array2.Random(1, 30, _random)), _device.Parameter(Array2.Random(1, 30, _random)), 1e-12f);
        Tensor input = _device.Float(x);
        Tensor normalized = _device.Output(40, 30);
        Tensor inverseDeviation = _device.Output(40, 1);
        _device.Kernels.LinearDropoutAddNorm(input, linear, Dropout.None, _device.Float(dy), norm, normalized, inverseDeviation, _device.Output(40, 30));
        Tensor[] gradients = [linear.Weight.Gradient, linear.Bias.Gradient, norm.Weight.Gradient, norm.Bias.Gradient];
        List<Array2> once = [];
        foreach (bool accumulate in (bool[])[false, true])
        {
            _device.Kernels.LinearDropoutAddNormBackward(
                input, linear, Dropout.None, norm, normalized, inverseDeviation, _device.Float(dy), _device.Output(40, 10), _device.Output(40, 30), accumulate);
            if (!accumulate)
            {
                once = [.. gradients.Select(_device.Read)];
            }
        }

        for (int i = 0; i < gradients.Length; i++)
        {
            Close.Check(_device.Read(gradients[i]), Reference.Add(once[i], once[i]), dy, $"gradient {i}");
        }
    }

    [Test]
    public void NobodyMayNeedTheGradientOfTheInput()
    {
        Array2 dy = Array2.Random(5, 6, _random);
        LinearParameters linear = Parameters(Array2.Random(6, 4, _random), null);
        Tensor input = _device.Float(Array2.Random(5, 4, _random));
        _device.Kernels.LinearBackward(input, linear, _device.Float(dy), _device.Output(5, 4), addToInputGradient: false, accumulate: false);
        Array2 expected = _device.Read(linear.Weight.Gradient);

        _device.Kernels.LinearBackward(input, linear, _device.Float(dy), Tensor.None, addToInputGradient: false, accumulate: false);

        Assert.That(_device.Read(linear.Weight.Gradient).Values, Is.EqualTo(expected.Values));
    }

    private LinearParameters Parameters(Array2 weight, Array2? bias) => new(_device.Parameter(weight), bias is null ? Parameter.None : _device.Parameter(bias));
}
