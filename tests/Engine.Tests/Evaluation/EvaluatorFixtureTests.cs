using System.Globalization;
using System.Text.Json;
using MnrEngine.Data;
using MnrEngine.Evaluation;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Evaluation;

/// <summary>
/// Every figure of every evaluator, its name, its place, the primary metric and the CSV file, beside what sentence-transformers' own evaluators gave for the same embeddings.
/// </summary>
public sealed class EvaluatorFixtureTests : TinyBertTests
{
    private const string TripletFile = "triplets.json", PairFile = "pairs.json", SimilarityFile = "similarity.json", RetrievalFile = "retrieval.json";

    // Counts and ratios of them agree to the last digits of double precision; the share of triplets is a float32 in sentence-transformers, thresholds are sums of two
    // float32 similarities, and correlations are taken of float32 similarities.
    private const double Exact = 1e-12, Single = 1e-7, Similarities = 1e-6;

    private static readonly EvaluationMoment InTraining = new(0.5, 7);

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [TestCaseSource(nameof(TripletCases))]
    public void Triplets(string name)
    {
        EvaluatorFixture given = EvaluatorFixture.Load(TripletFile, name);
        float[][] columns = [given.Embeddings("anchors"), given.Embeddings("positives"), given.Embeddings("negatives")];
        int dimension = given.Dimension("anchors");
        TextDataset data = new(["anchor", "positive", "negative"], [.. columns.Select(column => Texts(column.Length / dimension))]);
        TripletEvaluator evaluator = new(given.Evaluator, data, Encoder, given.Functions, given.Setting("margin")?.GetDouble() ?? 0, _folder.Root);

        EvaluationFigures figures = Evaluate(evaluator, dimension, columns);

        if (given.Setting("rounding")!.Value.GetBoolean())
        {
            // All are equally similar; which are taken for right there is what float32 rounds up.
            Assert.That(figures.Values, Is.EqualTo(new Dictionary<string, double> { ["cosine_accuracy"] = 0 }));
            Assert.That(given.Figures["cosine_accuracy"], Is.GreaterThan(0));
            return;
        }

        AssertSame(figures, given, Single);
        AssertSameCsv(given, Single);
    }

    [TestCaseSource(nameof(PairCases))]
    public void BinaryClassification(string name)
    {
        EvaluatorFixture given = EvaluatorFixture.Load(PairFile, name);
        float[] first = given.Embeddings("first"), second = given.Embeddings("second");
        int dimension = given.Dimension("first");
        string[] labels = [.. given.Setting("labels")!.Value.EnumerateArray().Select(static label => $"{label.GetInt32()}")];
        TextDataset data = new(["sentence1", "sentence2"], [Texts(labels.Length), Texts(labels.Length)], labels);
        if (labels.Distinct().Count() == 1)
        {
            // Figures of one kind of pairs tell nothing, so that the evaluator does not take them; how they are computed is the same all the same.
            Assert.That(() => new BinaryClassificationEvaluator(given.Evaluator, data, Encoder, given.Functions), Throws.TypeOf<InputException>());
            AssertSameValues(OfOneKind(first, second, dimension, labels[0] == "1", given.Functions!), given);
            return;
        }

        BinaryClassificationEvaluator evaluator = new(given.Evaluator, data, Encoder, given.Functions, _folder.Root);

        EvaluationFigures figures = Evaluate(evaluator, dimension, first, second);

        AssertSameValues(figures.Values, given);
        Assert.That(figures.PrimaryMetric, Is.EqualTo(given.PrimaryMetric));
        AssertSameCsv(given, Similarities);
    }

    [TestCaseSource(nameof(SimilarityCases))]
    public void EmbeddingSimilarity(string name)
    {
        EvaluatorFixture given = EvaluatorFixture.Load(SimilarityFile, name);
        double[] scores = [.. given.Setting("scores")!.Value.EnumerateArray().Select(static score => score.GetDouble())];
        StsEvaluator evaluator = new(given.Evaluator, new StsDataset(Texts(scores.Length), Texts(scores.Length), scores), Encoder, _folder.Root);

        EvaluationFigures figures = Evaluate(evaluator, given.Dimension("first"), given.Embeddings("first"), given.Embeddings("second"));

        AssertSame(figures, given, Similarities);
        AssertSameCsv(given, Similarities);
    }

    [TestCaseSource(nameof(RetrievalCases))]
    public void InformationRetrieval(string name)
    {
        EvaluatorFixture given = EvaluatorFixture.Load(RetrievalFile, name);
        int dimension = given.Dimension("queries");
        string[] queryIds = Ids("query_ids", "q", given.Embeddings("queries")), documentIds = Ids("document_ids", "d", given.Embeddings("documents"));
        Dictionary<string, IReadOnlySet<string>> relevant = given.Setting("relevant")!.Value.EnumerateObject().ToDictionary(
            static query => query.Name, static query => (IReadOnlySet<string>)Strings(query.Value).ToHashSet());
        RetrievalDataset data = new(
            [.. queryIds.Select(static id => KeyValuePair.Create(id, "a query"))], [.. documentIds.Select(static id => KeyValuePair.Create(id, "a document"))], relevant);
        InformationRetrievalEvaluator evaluator = new(given.Evaluator, data, Encoder, Ranks(given), given.Functions, _folder.Root);
        bool[] asked = [.. queryIds.Select(id => relevant.TryGetValue(id, out IReadOnlySet<string>? documents) && documents.Count > 0)];

        EvaluationFigures figures = Evaluate(evaluator, dimension, Asked(given), given.Embeddings("documents"));

        AssertSame(figures, given, Exact);
        Assert.That(evaluator.Metrics, Is.EqualTo(figures.Values.Keys));
        AssertSameCsv(given, Exact);
        if (given.Again is EvaluatorFixture again)
        {
            AssertSame(Evaluate(evaluator, dimension, Asked(again), again.Embeddings("documents")), again, Exact);
        }

        string[] Ids(string setting, string letter, float[] embeddings) =>
            given.Setting(setting) is JsonElement ids ? Strings(ids) : [.. Enumerable.Range(0, embeddings.Length / dimension).Select(i => $"{letter}{i}")];

        // Queries to which nothing is relevant are not embedded.
        float[] Asked(EvaluatorFixture fixture) => [.. fixture.Embeddings("queries").Chunk(dimension).Where((_, query) => asked[query]).SelectMany(static row => row)];
    }

    private static IEnumerable<TestCaseData> TripletCases() => EvaluatorFixture.Cases(TripletFile);

    private static IEnumerable<TestCaseData> PairCases() => EvaluatorFixture.Cases(PairFile);

    private static IEnumerable<TestCaseData> SimilarityCases() => EvaluatorFixture.Cases(SimilarityFile);

    private static IEnumerable<TestCaseData> RetrievalCases() => EvaluatorFixture.Cases(RetrievalFile);

    /// <summary>Evaluates outside training and at a step, the same embeddings; the figures of the first.</summary>
    private static EvaluationFigures Evaluate(IEvaluator evaluator, int dimension, params float[][] embeddings)
    {
        EvaluationFigures figures = evaluator.Evaluate(new ScriptedEmbedder(dimension, embeddings), null);
        evaluator.Evaluate(new ScriptedEmbedder(dimension, embeddings), InTraining);
        return figures;
    }

    private static Dictionary<string, double> OfOneKind(float[] first, float[] second, int dimension, bool similar, IReadOnlyList<SimilarityFunction> functions)
    {
        Dictionary<string, double> values = [];
        foreach (SimilarityFunction function in functions)
        {
            bool isDistance = function is SimilarityFunction.Euclidean or SimilarityFunction.Manhattan;
            float[] scores = [.. PairSimilarities.OfRows(first, second, dimension, function).Select(score => isDistance ? -score : score)];
            foreach ((string key, double value) in MnrEngine.Evaluation.BinaryClassification.Of(scores, [.. scores.Select(_ => similar)], !isDistance).Values)
            {
                values.Add($"{SimilarityScores.NameOf(function)}_{key}", value);
                values[$"max_{key}"] = Math.Max(value, values.GetValueOrDefault($"max_{key}", double.NegativeInfinity));
            }
        }

        return values.OrderBy(static figure => figure.Key.StartsWith("max_", StringComparison.Ordinal)).ToDictionary();
    }

    private static void AssertSame(EvaluationFigures figures, EvaluatorFixture given, double tolerance)
    {
        Assert.Multiple(() =>
        {
            Assert.That(figures.PrimaryMetric, Is.EqualTo(given.PrimaryMetric));
            Assert.That(figures.Values.Keys, Is.EqualTo(given.Figures.Keys));
            foreach ((string key, double value) in given.Figures)
            {
                Assert.That(figures.Values.GetValueOrDefault(key, double.NaN), Is.EqualTo(value).Within(tolerance), key);
            }
        });
    }

    private static void AssertSameValues(IReadOnlyDictionary<string, double> figures, EvaluatorFixture given)
    {
        Assert.Multiple(() =>
        {
            Assert.That(figures.Keys, Is.EqualTo(given.Figures.Keys));
            foreach ((string key, double value) in given.Figures)
            {
                double tolerance = key.EndsWith("threshold", StringComparison.Ordinal) ? Similarities * Math.Max(1, Math.Abs(value)) : Exact;
                Assert.That(figures.GetValueOrDefault(key, double.NaN), Is.EqualTo(value).Within(tolerance), key);
            }
        });
    }

    /// <summary>The same lines, with the same ends, and in each the same columns.</summary>
    private void AssertSameCsv(EvaluatorFixture given, double tolerance)
    {
        if (given.Csv is not (string name, string content))
        {
            return;
        }

        string[] expected = content.Split('\n'), written = File.ReadAllText(_folder.Path(name)).Split('\n');
        Assert.That(written[0], Is.EqualTo(expected[0]));
        Assert.That(written, Has.Length.EqualTo(expected.Length));
        foreach ((string line, string row) in written.Zip(expected).Skip(1).SkipLast(1))
        {
            Assert.That(line.EndsWith('\r'), Is.EqualTo(row.EndsWith('\r')));
            Assert.That(line.Split(',')[..2], Is.EqualTo(row.Split(',')[..2]));
            Assert.That(Numbers(line), Is.EqualTo(Numbers(row)).Within(tolerance));
        }

        Assert.That(written[^1], Is.EqualTo(expected[^1]));

        static double[] Numbers(string line) => [.. line.TrimEnd('\r').Split(',').Select(static field => double.Parse(field, CultureInfo.InvariantCulture))];
    }

    private static RetrievalOptions Ranks(EvaluatorFixture given)
    {
        return given.Setting("ranks") is JsonElement ranks
            ? new RetrievalOptions
            {
                AccuracyAtK = At("accuracy_at_k"),
                PrecisionRecallAtK = At("precision_recall_at_k"),
                MrrAtK = At("mrr_at_k"),
                NdcgAtK = At("ndcg_at_k"),
                MapAtK = At("map_at_k"),
            }
            : new RetrievalOptions();

        int[] At(string name) => [.. ranks.GetProperty(name).EnumerateArray().Select(static k => k.GetInt32())];
    }

    private static string[] Strings(JsonElement array) => [.. array.EnumerateArray().Select(static text => text.GetString()!)];

    private static string[] Texts(int count) => [.. Enumerable.Range(0, count).Select(static i => $"a text {i}")];
}
