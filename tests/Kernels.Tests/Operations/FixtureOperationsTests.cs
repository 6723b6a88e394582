using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Single operations against torch in double precision.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class FixtureOperationsTests(KernelTarget target)
{
    private FixtureFile _file = null!;
    private Device _device = null!;

    [SetUp]
    public void SetUp()
    {
        _file = FixtureFile.Operations();
        _device = new Device(target);
    }

    [TearDown]
    public void TearDown()
    {
        _device.Dispose();
        _file.Dispose();
    }

    [TestCase("gelu", Activation.Gelu)]
    [TestCase("gelu_new", Activation.GeluTanh)]
    public void ActivationsBehindAProductWithOne(string name, Activation activation)
    {
        Array2 x = AsColumn(_file[name + ".x"]);
        Array2 dy = AsColumn(_file[name + ".dy"]);
        LinearParameters linear = new(_device.Parameter(Array2.Identity(1)), Parameter.None);
        Tensor input = _device.Float(x);
        Tensor preactivation = _device.Output(x.Rows, 1);
        Tensor output = _device.Output(x.Rows, 1);
        Tensor outputGradient = _device.Float(dy);
        Tensor inputGradient = _device.Output(x.Rows, 1);

        _device.Kernels.LinearActivation(input, linear, activation, preactivation, output);
        _device.Kernels.LinearActivationBackward(input, linear, activation, preactivation, outputGradient, inputGradient, addToInputGradient: false, accumulate: false);

        Close.Check(_device.Read(output), AsColumn(_file[name + ".y"]), x, "y");
        Close.Check(_device.Read(inputGradient), AsColumn(_file[name + ".dx"]), dy, "dx");
    }

    [TestCaseSource(nameof(AddLayerNormCases))]
    public void LayerNormOfASumBehindAProductWithOne(string name)
    {
        Array2 x = _file[name + ".x"];
        Array2 dy = _file[name + ".dy"];
        int width = x.Columns;
        float epsilon = float.Parse(name[(name.IndexOf('-', name.IndexOf('-') + 1) + 1)..]);
        LinearParameters linear = new(_device.Parameter(Array2.Identity(width)), _device.Parameter(new Array2(1, width)));
        NormParameters norm = new(_device.Parameter(_file[name + ".weight"]), _device.Parameter(_file[name + ".bias"]), epsilon);
        Tensor input = _device.Float(x);
        Tensor residual = _device.Float(_file[name + ".residual"]);
        Tensor normalized = _device.Output(x.Rows, width);
        Tensor inverseDeviation = _device.Output(x.Rows, 1);
        Tensor output = _device.Output(x.Rows, width);
        Tensor outputGradient = _device.Float(dy);
        Tensor inputGradient = _device.Output(x.Rows, width);
        Tensor residualGradient = _device.Output(x.Rows, width);

        _device.Kernels.LinearDropoutAddNorm(input, linear, Dropout.None, residual, norm, normalized, inverseDeviation, output);
        _device.Kernels.LinearDropoutAddNormBackward(
            input, linear, Dropout.None, norm, normalized, inverseDeviation, outputGradient, inputGradient, residualGradient, accumulate: false);

        Close.Check(_device.Read(output), _file[name + ".y"], x, "y");
        Close.Check(_device.Read(inputGradient), _file[name + ".dx"], dy, "dx");
        Close.Check(_device.Read(residualGradient), _file[name + ".dx"], dy, "gradient of the residual");
        Close.Check(_device.Read(norm.Weight.Gradient), _file[name + ".dweight"], dy, "dweight");
        Close.Check(_device.Read(norm.Bias.Gradient), _file[name + ".dbias"], dy, "dbias");
    }

    [TestCaseSource(nameof(AttentionCases))]
    public void AttentionInsideSentences(string name)
    {
        Array2 qkv = _file[name + ".qkv"];
        Array2 dy = _file[name + ".dy"];
        int heads = int.Parse(name.Split('-')[1].Split('x')[0]);
        DeviceBatch batch = _device.Batch(_file.Lengths(name));
        Tensor input = _device.Float(qkv);
        bool hasBias = _file.Has(name + ".bias");
        Tensor bias = hasBias ? _device.Float(_file[name + ".bias"]) : Tensor.None;
        Tensor biasGradient = hasBias ? _device.Float(new Array2(bias.Rows, bias.Columns)) : Tensor.None;
        Tensor logSumExp = _device.Output(qkv.Rows, heads);
        Tensor context = _device.Output(qkv.Rows, dy.Columns);
        Tensor gradient = _device.Output(qkv.Rows, qkv.Columns);

        _device.Kernels.Attention(batch, input, heads, bias, Dropout.None, logSumExp, context);
        _device.Kernels.AttentionBackward(batch, input, heads, bias, Dropout.None, logSumExp, context, _device.Float(dy), gradient, biasGradient);

        Close.Check(_device.Read(context), _file[name + ".y"], qkv, "y");
        Close.Check(_device.Read(gradient), _file[name + ".dqkv"], dy, "dqkv");
        if (hasBias)
        {
            Close.Check(_device.Read(biasGradient), _file[name + ".dbias"], dy, "dbias");
        }
    }

    [TestCaseSource(nameof(MeanPoolingCases))]
    public void MeanPooling(string name)
    {
        Array2 x = _file[name + ".x"];
        Array2 dy = _file[name + ".dy"];
        DeviceBatch batch = _device.Batch(_file.Lengths(name));
        Tensor hidden = _device.Float(x);
        Tensor pooled = _device.Output(dy.Rows, dy.Columns);
        Tensor gradient = _device.Output(x.Rows, x.Columns);

        _device.Kernels.Pool(batch, PoolingModes.Mean, hidden, pooled);
        _device.Kernels.PoolBackward(batch, PoolingModes.Mean, hidden, _device.Float(dy), gradient);

        Close.Check(_device.Read(pooled), _file[name + ".y"], x, "y");
        Close.Check(_device.Read(gradient), _file[name + ".dx"], dy, "dx");
    }

    [TestCaseSource(nameof(LinearCases))]
    public void LinearLayers(string name)
    {
        Array2 x = _file[name + ".x"];
        Array2 dy = _file[name + ".dy"];
        LinearParameters linear = new(_device.Parameter(_file[name + ".weight"]), _device.Parameter(_file[name + ".bias"]));
        Tensor input = _device.Float(x);
        Tensor output = _device.Output(dy.Rows, dy.Columns);
        Tensor inputGradient = _device.Output(x.Rows, x.Columns);

        _device.Kernels.Linear(input, linear, output);
        _device.Kernels.LinearBackward(input, linear, _device.Float(dy), inputGradient, addToInputGradient: false, accumulate: false);

        Close.Check(_device.Read(output), _file[name + ".y"], x, "y");
        Close.Check(_device.Read(inputGradient), _file[name + ".dx"], dy, "dx");
        Close.Check(_device.Read(linear.Weight.Gradient), _file[name + ".dweight"], dy, "dweight");
        Close.Check(_device.Read(linear.Bias.Gradient), _file[name + ".dbias"], dy, "dbias");
    }

    /// <summary>
    /// The fixture has no LayerNorm. With every row beside its negative, of mean 0, LayerNorm only divides by the deviation, and with x^ = 0 and r = 1
    /// its backward pass hands the gradient on as it is.
    /// </summary>
    [TestCaseSource(nameof(EmbeddingCases))]
    public void RowsOfATable(string name)
    {
        Array2 table = _file[name + ".table"];
        Array2 dy = BesideItsNegative(_file[name + ".dy"]);
        int[] ids = _file.Integers(name + ".ids");
        int hidden = dy.Columns;
        DeviceBatch batch = _device.Batch([ids]);
        NormParameters norm = new(_device.Parameter(Array2.Filled(1, hidden, 1)), _device.Parameter(new Array2(1, hidden)), 1e-12f);
        EmbeddingParameters parameters = new(
            _device.Parameter(BesideItsNegative(table)), _device.Parameter(new Array2(ids.Length, hidden)), Parameter.None, norm);
        Tensor inverseDeviation = _device.Output(ids.Length, 1);
        Tensor output = _device.Output(ids.Length, hidden);

        _device.Kernels.EmbedNorm(batch, parameters, Dropout.None, Tensor.None, inverseDeviation, output);
        _device.Kernels.EmbedNormBackward(
            batch, parameters, Dropout.None, _device.Float(new Array2(ids.Length, hidden)), _device.Float(Array2.Filled(ids.Length, 1, 1)), _device.Float(dy), accumulate: false);

        Array2 scaled = _device.Read(output);
        Array2 inverse = _device.Read(inverseDeviation);
        for (int i = 0; i < scaled.Values.Length; i++)
        {
            scaled.Values[i] /= inverse.Values[i / hidden];
        }

        Close.Check(scaled, BesideItsNegative(_file[name + ".y"]), table, "y");
        Close.Check(_device.Read(parameters.Word.Gradient), BesideItsNegative(_file[name + ".dtable"]), dy, "dtable");
    }

    [Test]
    public void EveryCaseOfTheFileIsCompared() =>
        Assert.That(
            FixtureFile.Cases(""),
            Is.EquivalentTo((string[])["gelu", "gelu_new", .. AddLayerNormCases(), .. AttentionCases(), .. MeanPoolingCases(), .. LinearCases(), .. EmbeddingCases()]));

    private static IEnumerable<string> AddLayerNormCases() => FixtureFile.Cases("add_layer_norm");

    private static IEnumerable<string> AttentionCases() => FixtureFile.Cases("attention");

    private static IEnumerable<string> MeanPoolingCases() => FixtureFile.Cases("mean_pooling");

    private static IEnumerable<string> LinearCases() => FixtureFile.Cases("linear");

    private static IEnumerable<string> EmbeddingCases() => FixtureFile.Cases("embedding");

    private static Array2 AsColumn(Array2 row) => new(row.Values.Length, 1, row.Values);

    private static Array2 BesideItsNegative(Array2 values)
    {
        Array2 result = new(values.Rows, 2 * values.Columns);
        for (int row = 0; row < values.Rows; row++)
        {
            for (int column = 0; column < values.Columns; column++)
            {
                result[row, column] = values[row, column];
                result[row, values.Columns + column] = -values[row, column];
            }
        }

        return result;
    }
}
