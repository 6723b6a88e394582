using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Linear layers against the reference and its finite differences.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.WithOtherProducts))]
internal sealed class LinearTests(KernelTarget target) : OperationTests(target, 11)
{
    private const ulong Seed = 0x0123456789abcdef;

    [Test]
    public void Linear([Values(1, 13, 50)] int rows, [Values(1, 17, 48)] int inputs, [Values(1, 35)] int outputs, [Values] bool hasBias)
    {
        (Array2 x, Array2 w, Array2? b, Array2 dy, LinearParameters linear, Tensor output, Tensor inputGradient) = LayerPasses.Linear(Device, Random, rows, inputs, outputs, hasBias);

        Close.Check(Device.Read(output), Reference.Linear(x, w, b), x, "y");
        double Objective() => Reference.Dot(dy, Reference.Linear(x, w, b));
        FiniteDifferences.Check(Objective, x, Device.Read(inputGradient), dy, "x");
        FiniteDifferences.Check(Objective, w, Device.Read(linear.Weight.Gradient), dy, "W");
        if (b is not null)
        {
            FiniteDifferences.Check(Objective, b, Device.Read(linear.Bias.Gradient), dy, "b");
        }
    }

    /// <summary>A gradient that is one number, or a few, is a sum of which anything may be left, from all its terms to next to nothing: in thirty draws something of everything.</summary>
    [Test]
    public void GradientsOfFewWeightsAreRightWhereTheirTermsCancel([Values(1, 2, 5)] int outputs, [Values(50, 997, 4099)] int rows)
    {
        for (int draw = 0; draw < 30; draw++)
        {
            Array2 x = Array2.Random(rows, 1, Random);
            Array2 dy = Array2.Random(rows, outputs, Random);
            LinearParameters linear = Parameters(Array2.Random(outputs, 1, Random), Array2.Random(1, outputs, Random));

            Device.Kernels.LinearBackward(Device.Float(x), linear, Device.Float(dy), Tensor.None, addToInputGradient: false, accumulate: false);

            Close.Check(Device.Read(linear.Weight.Gradient), ReferenceGradients.Product(ReferenceGradients.Transposed(dy), x), dy, $"dW, draw {draw}");
            Close.Check(Device.Read(linear.Bias.Gradient), ReferenceGradients.ColumnSums(dy), dy, $"db, draw {draw}");
        }
    }

    [Test]
    public void PublishedWeightsAreUsedAsTheyAreWhenTheyWereLastPublished()
    {
        Array2 x = Array2.Random(20, 24, Random);
        using DeviceArena arena = Device.Kernels.CreateArena("weights", 2 * DeviceArena.BytesOf(ElementType.Float32, 33, 24));
        Tensor[] weights = [arena.Allocate(ElementType.Float32, 33, 24), arena.Allocate(ElementType.Float32, 33, 24)];
        Tensor output = Device.Output(20, 33);
        for (int publication = 0; publication < 3; publication++)
        {
            Array2[] values = [Array2.Random(33, 24, Random), Array2.Random(33, 24, Random)];
            for (int i = 0; i < weights.Length; i++)
            {
                Device.Kernels.Write(weights[i], values[i].Floats());
                Device.Kernels.PublishWeights(weights[i]);
            }

            // A kernel may use them in one way the first time, in another the second, and keep something for the times after.
            double[]?[] first = new double[]?[weights.Length];
            for (int use = 0; use < 3 * weights.Length; use++)
            {
                int weight = use % weights.Length;
                LinearParameters linear = new(new Parameter(weights[weight], Device.Output(33, 24)), default);
                Device.Kernels.Linear(Device.Float(x), linear, output);
                Array2 y = Device.Read(output);
                Close.Check(y, Reference.Linear(x, values[weight], null), x, "y");
                first[weight] ??= y.Values;
                Assert.That(y.Values, Is.EqualTo(first[weight]), "the same bits every time");
            }
        }
    }

    [Test]
    public void LinearActivation([Values] Activation activation, [Values(1, 37)] int rows, [Values(3, 40)] int outputs, [Values] bool hasBias)
    {
        (Array2 x, Array2 w, Array2? b, Array2 dy, LinearParameters linear, Tensor preactivation, Tensor output, Tensor preactivationGradient, Tensor inputGradient) =
            LayerPasses.LinearActivation(Device, Random, activation, rows, inputs: 12, outputs, hasBias, scale: 0.5);

        Array2 z = Reference.Linear(x, w, b);
        Close.Check(Device.Read(preactivation), z, x, "z");
        Close.Check(Device.Read(output), Reference.Activate(z, activation), x, "y");
        FiniteDifferences.Check(() => Reference.Dot(dy, Reference.Activate(z, activation)), z, Device.Read(preactivationGradient), dy, "z");
        double Objective() => Reference.Dot(dy, Reference.Activate(Reference.Linear(x, w, b), activation));
        FiniteDifferences.Check(Objective, x, Device.Read(inputGradient), dy, "x");
        FiniteDifferences.Check(Objective, w, Device.Read(linear.Weight.Gradient), dy, "W");
        if (b is not null)
        {
            FiniteDifferences.Check(Objective, b, Device.Read(linear.Bias.Gradient), dy, "b");
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
        LinearDropoutAddNormPass pass = LayerPasses.LinearDropoutAddNorm(Device, Random, rows, inputs, width, probability);
        (Array2 x, Array2 w, Array2 b, Array2 residual, Array2 dy) = (pass.X, pass.W, pass.B, pass.Residual, pass.Dy);

        Array2 Forward() => Reference.LayerNorm(Reference.Add(Reference.Multiply(Reference.Linear(x, w, b), pass.Factors), residual), pass.Weight, pass.Bias, LayerPasses.Epsilon);
        double Objective() => Reference.Dot(dy, Forward());
        Close.Check(Device.Read(pass.Output), Forward(), x, "y");
        FiniteDifferences.Check(Objective, x, Device.Read(pass.InputGradient), dy, "x");
        FiniteDifferences.Check(Objective, residual, Device.Read(pass.ResidualGradient), dy, "residual");
        FiniteDifferences.Check(Objective, w, Device.Read(pass.Linear.Weight.Gradient), dy, "W");
        FiniteDifferences.Check(Objective, b, Device.Read(pass.Linear.Bias.Gradient), dy, "b");
        FiniteDifferences.Check(Objective, pass.Weight, Device.Read(pass.Norm.Weight.Gradient), dy, "norm weight");
        FiniteDifferences.Check(Objective, pass.Bias, Device.Read(pass.Norm.Bias.Gradient), dy, "norm bias");
    }

    [Test]
    public void TheGradientOfTheResidualMayTakeThePlaceOfTheOutputs([Values(0f, 0.3f)] float probability)
    {
        Array2 x = Array2.Random(21, 10, Random);
        Array2 dy = Array2.Random(21, 30, Random);
        LinearParameters linear = Parameters(Array2.Random(30, 10, Random), Array2.Random(1, 30, Random));
        NormParameters norm = new(Device.Parameter(Array2.Random(1, 30, Random)), Device.Parameter(Array2.Random(1, 30, Random)), 1e-12f);
        Dropout dropout = Device.Dropout(probability, 1, Seed, 2);
        Tensor input = Device.Float(x);
        Tensor normalized = Device.Output(21, 30);
        Tensor inverseDeviation = Device.Output(21, 1);
        Device.Kernels.LinearDropoutAddNorm(input, linear, dropout, Device.Float(dy), norm, normalized, inverseDeviation, Device.Output(21, 30));
        Tensor apart = Device.Output(21, 30);
        Tensor inputGradient = Device.Output(21, 10);
        Device.Kernels.LinearDropoutAddNormBackward(input, linear, dropout, norm, normalized, inverseDeviation, Device.Float(dy), inputGradient, apart, accumulate: false);
        Array2 expected = Device.Read(inputGradient);
        Tensor same = Device.Float(dy);

        Device.Kernels.LinearDropoutAddNormBackward(input, linear, dropout, norm, normalized, inverseDeviation, same, inputGradient, same, accumulate: false);

        Assert.That(Device.Read(same).Values, Is.EqualTo(Device.Read(apart).Values));
        Assert.That(Device.Read(inputGradient).Values, Is.EqualTo(expected.Values));
    }

    [Test]
    public void WithoutABackwardPassNothingNeedsToBeSaved()
    {
        Array2 x = Array2.Random(9, 12, Random);
        LinearParameters linear = Parameters(Array2.Random(20, 12, Random), Array2.Random(1, 20, Random));
        NormParameters norm = new(Device.Parameter(Array2.Random(1, 20, Random)), Device.Parameter(Array2.Random(1, 20, Random)), 1e-12f);
        Tensor input = Device.Float(x);
        Tensor residual = Device.Float(Array2.Random(9, 20, Random));
        Tensor saving = Device.Output(9, 20);
        Tensor output = Device.Output(9, 20);

        Device.Kernels.LinearActivation(input, linear, Activation.Gelu, Device.Output(9, 20), saving);
        Device.Kernels.LinearActivation(input, linear, Activation.Gelu, Tensor.None, output);
        Assert.That(Device.Read(output).Values, Is.EqualTo(Device.Read(saving).Values));

        Device.Kernels.LinearDropoutAddNorm(input, linear, Dropout.None, residual, norm, Device.Output(9, 20), Device.Output(9, 1), saving);
        Device.Kernels.LinearDropoutAddNorm(input, linear, Dropout.None, residual, norm, Tensor.None, Tensor.None, output);
        Assert.That(Device.Read(output).Values, Is.EqualTo(Device.Read(saving).Values));
    }

    [Test]
    public void GradientsAreAddedWhenAsked()
    {
        Array2 x = Array2.Random(40, 10, Random);
        Array2 dy = Array2.Random(40, 30, Random);
        Array2 before = Array2.Random(40, 10, Random);
        LinearParameters linear = Parameters(Array2.Random(30, 10, Random), Array2.Random(1, 30, Random));
        Tensor input = Device.Float(x);
        Tensor once = Device.Output(40, 10);
        Tensor added = Device.Float(before);
        Device.Kernels.LinearBackward(input, linear, Device.Float(dy), once, addToInputGradient: false, accumulate: false);
        Array2 weightOnce = Device.Read(linear.Weight.Gradient);
        Array2 biasOnce = Device.Read(linear.Bias.Gradient);

        Device.Kernels.LinearBackward(input, linear, Device.Float(dy), added, addToInputGradient: true, accumulate: true);

        Close.Check(Device.Read(added), Reference.Add(before, Device.Read(once)), dy, "dx");
        Close.Check(Device.Read(linear.Weight.Gradient), Reference.Add(weightOnce, weightOnce), dy, "dW");
        Close.Check(Device.Read(linear.Bias.Gradient), Reference.Add(biasOnce, biasOnce), dy, "db");
    }

    [Test]
    public void GradientsOfAnActivatedLayerAreAddedWhenAsked()
    {
        Array2 x = Array2.Random(40, 10, Random);
        Array2 dy = Array2.Random(40, 30, Random);
        Array2 before = Array2.Random(40, 10, Random);
        LinearParameters linear = Parameters(Array2.Random(30, 10, Random), Array2.Random(1, 30, Random));
        Tensor input = Device.Float(x);
        Tensor preactivation = Device.Output(40, 30);
        Tensor once = Device.Output(40, 10);
        Tensor added = Device.Float(before);
        Device.Kernels.LinearActivation(input, linear, Activation.Gelu, preactivation, Device.Output(40, 30));
        Device.Kernels.LinearActivationBackward(input, linear, Activation.Gelu, preactivation, Device.Float(dy), once, addToInputGradient: false, accumulate: false);
        Array2 weightOnce = Device.Read(linear.Weight.Gradient);
        Array2 biasOnce = Device.Read(linear.Bias.Gradient);

        Device.Kernels.LinearActivationBackward(input, linear, Activation.Gelu, preactivation, Device.Float(dy), added, addToInputGradient: true, accumulate: true);

        Close.Check(Device.Read(added), Reference.Add(before, Device.Read(once)), dy, "dx");
        Close.Check(Device.Read(linear.Weight.Gradient), Reference.Add(weightOnce, weightOnce), dy, "dW");
        Close.Check(Device.Read(linear.Bias.Gradient), Reference.Add(biasOnce, biasOnce), dy, "db");
    }

    [Test]
    public void GradientsOfANormalizedLayerAreAddedWhenAsked()
    {
        Array2 x = Array2.Random(40, 10, Random);
        Array2 dy = Array2.Random(40, 30, Random);
        LinearParameters linear = Parameters(Array2.Random(30, 10, Random), Array2.Random(1, 30, Random));
        NormParameters norm = new(Device.Parameter(Array2.Random(1, 30, Random)), Device.Parameter(Array2.Random(1, 30, Random)), 1e-12f);
        Tensor input = Device.Float(x);
        Tensor normalized = Device.Output(40, 30);
        Tensor inverseDeviation = Device.Output(40, 1);
        Device.Kernels.LinearDropoutAddNorm(input, linear, Dropout.None, Device.Float(dy), norm, normalized, inverseDeviation, Device.Output(40, 30));
        Tensor[] gradients = [linear.Weight.Gradient, linear.Bias.Gradient, norm.Weight.Gradient, norm.Bias.Gradient];
        List<Array2> once = [];
        foreach (bool accumulate in (bool[])[false, true])
        {
            Device.Kernels.LinearDropoutAddNormBackward(
                input, linear, Dropout.None, norm, normalized, inverseDeviation, Device.Float(dy), Device.Output(40, 10), Device.Output(40, 30), accumulate);
            if (!accumulate)
            {
                once = [.. gradients.Select(Device.Read)];
            }
        }

        for (int i = 0; i < gradients.Length; i++)
        {
            Close.Check(Device.Read(gradients[i]), Reference.Add(once[i], once[i]), dy, $"gradient {i}");
        }
    }

    [Test]
    public void NobodyMayNeedTheGradientOfTheInput()
    {
        Array2 dy = Array2.Random(5, 6, Random);
        LinearParameters linear = Parameters(Array2.Random(6, 4, Random), null);
        Tensor input = Device.Float(Array2.Random(5, 4, Random));
        Device.Kernels.LinearBackward(input, linear, Device.Float(dy), Device.Output(5, 4), addToInputGradient: false, accumulate: false);
        Array2 expected = Device.Read(linear.Weight.Gradient);

        Device.Kernels.LinearBackward(input, linear, Device.Float(dy), Tensor.None, addToInputGradient: false, accumulate: false);

        Assert.That(Device.Read(linear.Weight.Gradient).Values, Is.EqualTo(expected.Values));
    }

    private LinearParameters Parameters(Array2 weight, Array2? bias) => new(Device.Parameter(weight), bias is null ? Parameter.None : Device.Parameter(bias));
}
