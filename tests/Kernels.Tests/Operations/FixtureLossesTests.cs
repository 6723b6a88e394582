using System.Text.Json;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The losses against sentence-transformers in double precision.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class FixtureLossesTests(KernelTarget target)
{
    [TestCaseSource(nameof(RankingCases))]
    public void RankingLossAndItsGradient(string name)
    {
        using JsonDocument json = FixtureFile.Json("losses.json");
        JsonElement settings = json.RootElement.EnumerateArray().Single(entry => entry.GetProperty("name").GetString() == name);
        using FixtureFile file = FixtureFile.Losses();
        using Device device = new(target);
        Array2[] columns = [.. Enumerable.Range(0, settings.GetProperty("columns").GetInt32()).Select(i => file[$"{name}.{i}"])];
        int queries = columns[0].Rows;
        Array2 embeddings = new(queries * columns.Length, columns[0].Columns, [.. columns.SelectMany(column => column.Values)]);
        Tensor input = device.Float(embeddings);
        Tensor loss = device.Output(1, 1);
        Tensor gradient = device.Output(embeddings.Rows, embeddings.Columns);

        device.Kernels.RankingLoss(input, queries, Options(settings), 1f, loss, gradient, accumulate: false);

        double expected = settings.GetProperty("loss").GetDouble();
        Assert.That(device.Read(loss).Values[0], Is.EqualTo(expected).Within(Close.Tolerance * Math.Max(1e-2, Math.Abs(expected))));
        Array2 all = device.Read(gradient);
        Assert.That(all.Values, Has.All.Matches<double>(double.IsFinite));

        // The tolerance is that of the whole gradient; a column of it whose gradient the fixture leaves out is not compared.
        int[] compared = [.. Enumerable.Range(0, columns.Length).Where(i => file.Has($"{name}.grad.{i}"))];
        Array2 actual = new(compared.Length * queries, all.Columns, [.. compared.SelectMany(i => all.RowsOf(i * queries, queries).Values)]);
        Array2 reference = new(actual.Rows, actual.Columns, [.. compared.SelectMany(i => file[$"{name}.grad.{i}"].Values)]);
        Close.Check(actual, reference, Array2.Filled(1, 1, 1), "gradient");
    }

    [TestCaseSource(nameof(SoftmaxCases))]
    public void SoftmaxLossAndItsGradients(string name)
    {
        using Case test = new(name, target);
        Parameter weight = test.Device.Parameter(test.File[$"{name}.classifier.weight"]);
        Parameter bias = test.Device.Parameter(test.File[$"{name}.classifier.bias"]);
        PairFeatures features = PairFeatures.Embeddings | PairFeatures.Difference
            | (test.Settings.TryGetProperty("concatenation_sent_multiplication", out JsonElement product) && product.GetBoolean() ? PairFeatures.Product : 0);

        test.Device.Kernels.SoftmaxLoss(
            test.Embeddings, test.Device.Integers([.. test.Labels.Values.Select(label => (int)label)]), new LinearParameters(weight, bias), features, 1f,
            test.Device.Output(test.Labels.Columns, test.Settings.GetProperty("num_labels").GetInt32()), test.Loss, test.Gradient, accumulate: false);

        test.CheckLossAndGradient();
        Array2 incoming = Array2.Filled(1, 1, 1);
        Close.Check(test.Device.Read(weight.Gradient), test.File[$"{name}.grad.classifier.weight"], incoming, "gradient of the classifier's weight");
        Close.Check(test.Device.Read(bias.Gradient), test.File[$"{name}.grad.classifier.bias"], incoming, "gradient of the classifier's bias");
    }

    [TestCaseSource(nameof(CosineCases))]
    public void CosineSimilarityLossAndItsGradient(string name)
    {
        using Case test = new(name, target);
        test.Device.Kernels.CosineSimilarityLoss(test.Embeddings, test.Device.Float(test.Labels), default, 1f, test.Loss, test.Gradient, accumulate: false);
        test.CheckLossAndGradient();
    }

    [TestCaseSource(nameof(CosentCases))]
    public void CosentLossAndItsGradient(string name)
    {
        using Case test = new(name, target);
        test.Device.Kernels.CosentLoss(
            test.Embeddings, test.Device.Float(test.Labels), test.Settings.GetProperty("scale").GetSingle(), Similarity.Cosine, 1f, test.Loss, test.Gradient, accumulate: false);
        test.CheckLossAndGradient();
    }

    [TestCaseSource(nameof(MatryoshkaCases))]
    public void TheSumOfRankingLossesOfTruncatedEmbeddings(string name)
    {
        using Case test = new(name, target);
        IKernels kernels = test.Device.Kernels;
        Tensor length = test.Device.Output(test.Embeddings.Rows, 1);
        float scale = test.Settings.GetProperty("scale").GetSingle();
        int queries = test.Embeddings.Rows / test.Columns;
        bool isFirst = true;
        foreach ((JsonElement dim, JsonElement weight) in test.Settings.GetProperty("dims").EnumerateArray().Zip(test.Settings.GetProperty("weights").EnumerateArray()))
        {
            Tensor truncated = test.Device.Output(test.Embeddings.Rows, dim.GetInt32());
            Tensor gradient = test.Device.Output(truncated.Rows, truncated.Columns);
            kernels.TruncateNormalize(test.Embeddings, length, truncated);
            kernels.RankingLoss(truncated, queries, new RankingLossOptions(scale), weight.GetSingle(), test.Loss, gradient, accumulate: !isFirst);
            kernels.TruncateNormalizeBackward(truncated, length, gradient, test.Gradient, addToInputGradient: !isFirst);
            isFirst = false;
        }

        test.CheckLossAndGradient();
    }

    [Test]
    public void EveryCaseIsOfAKnownKind()
    {
        using JsonDocument json = FixtureFile.Json("losses.json");
        Assert.That(
            json.RootElement.GetArrayLength(),
            Is.EqualTo(RankingCases().Count() + SoftmaxCases().Count() + CosineCases().Count() + CosentCases().Count() + MatryoshkaCases().Count()));
    }

    private static IEnumerable<string> RankingCases() => Cases("mnr");

    private static IEnumerable<string> SoftmaxCases() => Cases("softmax");

    private static IEnumerable<string> CosineCases() => Cases("cosine_similarity");

    private static IEnumerable<string> CosentCases() => Cases("cosent");

    private static IEnumerable<string> MatryoshkaCases() => Cases("matryoshka");

    private static IEnumerable<string> Cases(string kind)
    {
        using JsonDocument json = FixtureFile.Json("losses.json");
        return [.. json.RootElement.EnumerateArray().Where(entry => entry.GetProperty("kind").GetString() == kind).Select(entry => entry.GetProperty("name").GetString()!)];
    }

    private static RankingLossOptions Options(JsonElement settings)
    {
        RankingDirections directions = default;
        foreach (JsonElement direction in settings.TryGetProperty("directions", out JsonElement named) ? named.EnumerateArray() : [])
        {
            directions |= direction.GetString() switch
            {
                "query_to_doc" => RankingDirections.QueryToDocument,
                "query_to_query" => RankingDirections.QueryToQuery,
                "doc_to_query" => RankingDirections.DocumentToQuery,
                _ => RankingDirections.DocumentToDocument,
            };
        }

        return new RankingLossOptions(
            settings.GetProperty("scale").GetSingle(),
            settings.GetProperty("similarity").GetString() == "dot" ? Similarity.Dot : Similarity.Cosine,
            directions == default ? RankingDirections.QueryToDocument : directions,
            settings.TryGetProperty("partition_mode", out JsonElement partition) && partition.GetString() == "per_direction" ? RankingPartition.PerDirection : RankingPartition.Joint,
            !settings.TryGetProperty("hardness_mode", out JsonElement mode) ? RankingHardness.None : mode.GetString() switch
            {
                "in_batch_negatives" => RankingHardness.InBatchNegatives,
                "hard_negatives" => RankingHardness.HardNegatives,
                _ => RankingHardness.AllNegatives,
            },
            settings.TryGetProperty("hardness_strength", out JsonElement strength) ? strength.GetSingle() : 0f);
    }

    /// <summary>A case of the fixtures on the device: its columns one below the other, and places for loss and gradient.</summary>
    private sealed class Case : IDisposable
    {
        private readonly string _name;
        private readonly JsonDocument _json = FixtureFile.Json("losses.json");

        public Case(string name, KernelTarget target)
        {
            _name = name;
            Device = new Device(target);
            Settings = _json.RootElement.EnumerateArray().Single(entry => entry.GetProperty("name").GetString() == name);
            Embeddings = Device.Float(Joined($"{name}."));
            Loss = Device.Output(1, 1);
            Gradient = Device.Output(Embeddings.Rows, Embeddings.Columns);
        }

        public FixtureFile File { get; } = FixtureFile.Losses();

        public Device Device { get; }

        public JsonElement Settings { get; }

        public int Columns => Settings.GetProperty("columns").GetInt32();

        public Tensor Embeddings { get; }

        public Array2 Labels => File[$"{_name}.labels"];

        public Tensor Loss { get; }

        public Tensor Gradient { get; }

        public void CheckLossAndGradient()
        {
            double expected = Settings.GetProperty("loss").GetDouble();
            Assert.That(Device.Read(Loss).Values[0], Is.EqualTo(expected).Within(Close.Tolerance * Math.Max(1e-2, Math.Abs(expected))));
            Close.Check(Device.Read(Gradient), Joined($"{_name}.grad."), Array2.Filled(1, 1, 1), "gradient");
        }

        public void Dispose()
        {
            Device.Dispose();
            File.Dispose();
            _json.Dispose();
        }

        private Array2 Joined(string prefix)
        {
            Array2[] columns = [.. Enumerable.Range(0, Columns).Select(i => File[$"{prefix}{i}"])];
            return new Array2(columns.Sum(column => column.Rows), columns[0].Columns, [.. columns.SelectMany(column => column.Values)]);
        }
    }
}
