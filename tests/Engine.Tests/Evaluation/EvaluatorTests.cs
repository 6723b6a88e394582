using MnrEngine.Data;
using MnrEngine.Evaluation;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Evaluation;

/// <summary>The evaluators beside STS: figures against cases worked out by hand and against plain definitions, names and files against sentence-transformers'.</summary>
public sealed class EvaluatorTests : TinyBertTests
{
    private static readonly string[] Texts = ["a dog runs", "the dog is running", "a cat sleeps", "two people eat", "the street is red", "a man in the park", "it rains", "blue"];

    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("mnrengine-evaluators-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void TripletsCountWhereThePositiveIsMoreSimilar()
    {
        // By cosine the first and second are right, the third is a tie; by distance the second is wrong.
        ScriptedEmbedder embedder = new(2, [1, 0, 1, 0, 1, 0], [2, 1, 9, 1, 1, 1], [0, 1, 1, 1, 1, -1]);
        TripletEvaluator evaluator = new("dev", Triplets(3), Encoder, [SimilarityFunction.Cosine, SimilarityFunction.Manhattan], csvFolder: _folder);

        EvaluationFigures figures = evaluator.Evaluate(embedder, new EvaluationMoment(0.5, 7));

        Assert.That(figures.PrimaryMetric, Is.EqualTo("dev_max_accuracy"));
        Assert.That(figures.Values.Keys, Is.EqualTo(["dev_cosine_accuracy", "dev_manhattan_accuracy", "dev_max_accuracy"]));
        Assert.That(evaluator.Metrics, Is.EqualTo(figures.Values.Keys));
        Assert.That(figures.Values["dev_cosine_accuracy"], Is.EqualTo(2 / 3.0));
        Assert.That(figures.Values["dev_manhattan_accuracy"], Is.EqualTo(0));
        Assert.That(
            File.ReadAllText(Path.Combine(_folder, "triplet_evaluation_dev_results.csv")), Is.EqualTo("epoch,steps,accuracy_cosine,accuracy_manhattan\r\n0.5,7,0.6666666666666666,0.0\r\n"));
    }

    [Test]
    public void TheModelsOwnSimilarityIsTheDefaultAndAMarginMayBeAskedFor()
    {
        ScriptedEmbedder embedder = new(2, [1, 0], [1, 0], [0.8f, 0.6f]);
        EvaluationFigures plain = new TripletEvaluator("", Triplets(1), Encoder).Evaluate(embedder, null);
        EvaluationFigures strict = new TripletEvaluator("", Triplets(1), Encoder, margin: 0.5).Evaluate(new ScriptedEmbedder(2, [1, 0], [1, 0], [0.8f, 0.6f]), null);
        Assert.That((plain.PrimaryMetric, plain.Values["cosine_accuracy"], strict.Values["cosine_accuracy"]), Is.EqualTo(("cosine_accuracy", 1.0, 0.0)));
    }

    [Test]
    public void TripletsNeedNegatives()
    {
        TextDataset pairs = new(["anchor", "positive"], [["a"], ["b"]]);
        Assert.That(
            () => new TripletEvaluator("dev", pairs, Encoder), Throws.TypeOf<InputException>().With.Message.EqualTo(
                "a triplet needs an anchor, a positive and a negative, but the data has only 2 columns of texts (anchor, positive)"));
    }

    [Test]
    public void ThresholdsThatTellPairsApart()
    {
        // Sorted: 0.9 yes, 0.8 no, 0.7 yes, 0.3 no, 0.1 no.
        BinaryClassification result = BinaryClassification.Of([0.3f, 0.9f, 0.7f, 0.8f, 0.1f], [false, true, true, false, false], largerIsSimilar: true);

        Assert.Multiple(() =>
        {
            Assert.That(result.Accuracy, Is.EqualTo(0.8), "after one pair, and after three; the first counts");
            Assert.That(result.AccuracyThreshold, Is.EqualTo((0.9f + 0.8f) / 2));
            Assert.That(result.F1, Is.EqualTo(0.8).Within(1e-12));
            Assert.That(result.F1Threshold, Is.EqualTo((0.7f + 0.3f) / 2));
            Assert.That((result.Precision, result.Recall), Is.EqualTo((2 / 3.0, 1.0)));
            Assert.That(result.AveragePrecision, Is.EqualTo((0.5 * 1) + (0.5 * 2 / 3)).Within(1e-12));
            Assert.That(result.Mcc, Is.EqualTo(((2 * 2) - (1 * 0)) / Math.Sqrt(3 * 2 * 3 * 2)).Within(1e-12));
        });
    }

    [Test]
    public void EqualScoresAreOneStepOfTheAveragePrecision()
    {
        BinaryClassification result = BinaryClassification.Of([0.5f, 0.5f, 0.2f], [false, true, true], largerIsSimilar: true);
        Assert.That(result.AveragePrecision, Is.EqualTo((0.5 * 1 / 2) + (0.5 * 2 / 3)).Within(1e-12));
    }

    [Test]
    public void DistancesAreJudgedTheOtherWayRound()
    {
        float[] distances = [1, 2, 3, 4, 5, 2.5f];
        bool[] labels = [true, true, false, true, false, false];
        BinaryClassification byDistance = BinaryClassification.Of(distances, labels, largerIsSimilar: false);
        BinaryClassification bySimilarity = BinaryClassification.Of([.. distances.Select(static d => -d)], labels, largerIsSimilar: true);
        Assert.That(
            byDistance with { AccuracyThreshold = -byDistance.AccuracyThreshold, F1Threshold = -byDistance.F1Threshold }, Is.EqualTo(bySimilarity));
    }

    [Test]
    public void BestThresholdsAreThoseOfEveryThresholdTried([Range(1, 8)] int seed)
    {
        Random random = new(seed);
        float[] scores = [.. Enumerable.Range(0, 40).Select(_ => MathF.Round(random.NextSingle(), 2))];
        bool[] labels = [.. scores.Select(score => random.NextSingle() < score)];
        labels[0] = true;
        BinaryClassification result = BinaryClassification.Of(scores, labels, largerIsSimilar: true);

        // A threshold may also cut through equal scores here, as sentence-transformers' does; elsewhere none is better.
        double accuracy = 0, f1 = 0;
        foreach (float threshold in scores.Where(threshold => threshold > scores.Min()))
        {
            int right = 0, found = 0, taken = 0;
            for (int i = 0; i < scores.Length; i++)
            {
                bool predicted = scores[i] >= threshold;
                right += predicted == labels[i] ? 1 : 0;
                taken += predicted ? 1 : 0;
                found += predicted && labels[i] ? 1 : 0;
            }

            double precision = (double)found / taken, recall = (double)found / labels.Count(static l => l);
            accuracy = Math.Max(accuracy, (double)right / scores.Length);
            f1 = Math.Max(f1, found == 0 ? 0 : 2 * precision * recall / (precision + recall));
        }

        Assert.That(result.Accuracy, Is.GreaterThanOrEqualTo(accuracy - 1e-12));
        Assert.That(result.F1, Is.GreaterThanOrEqualTo(f1 - 1e-12));
        Assert.That(result.Accuracy - accuracy, Is.LessThan(0.1));
    }

    [Test]
    public void BinaryClassificationHasSentenceTransformersNames()
    {
        TextDataset data = new(["sentence1", "sentence2"], [["a", "b", "c"], ["d", "e", "f"]], ["1", "0", "1.0"]);
        BinaryClassificationEvaluator evaluator = new("quora", data, Encoder, [SimilarityFunction.Cosine, SimilarityFunction.Euclidean], _folder);

        EvaluationFigures figures = evaluator.Evaluate(new ScriptedEmbedder(2, [1, 0, 1, 0, 1, 0], [1, 0, 0, 1, 1, 0.5f]), null);

        string[] names = ["accuracy", "accuracy_threshold", "f1", "f1_threshold", "precision", "recall", "ap", "mcc"];
        Assert.That(figures.Values.Keys, Is.EqualTo([.. names.Select(static n => $"quora_cosine_{n}"), .. names.Select(static n => $"quora_euclidean_{n}"), .. names.Select(static n => $"quora_max_{n}")]));
        Assert.That(figures.PrimaryMetric, Is.EqualTo("quora_max_ap"));
        Assert.That(evaluator.Metrics, Is.EqualTo(figures.Values.Keys));
        Assert.That(figures.Values["quora_cosine_ap"], Is.EqualTo(1));
        Assert.That(figures.Values["quora_euclidean_f1_threshold"], Is.GreaterThan(0), "a distance");
        string[] lines = File.ReadAllLines(Path.Combine(_folder, "binary_classification_evaluation_quora_results.csv"));
        string[] columns = ["accuracy", "accuracy_threshold", "f1", "precision", "recall", "f1_threshold", "ap", "mcc"];
        Assert.That(lines[0], Is.EqualTo($"epoch,steps,{string.Join(',', columns.Select(static c => $"cosine_{c}"))},{string.Join(',', columns.Select(static c => $"euclidean_{c}"))}"));
        Assert.That(lines[1], Does.StartWith("-1,-1,1.0,"));
    }

    [TestCase("2")]
    [TestCase("-1")]
    [TestCase("yes")]
    public void BinaryLabelsAreOneOrZero(string label) => Assert.That(BinaryClassificationEvaluator.Rule.Problem(label), Does.Contain("has to be 1 for similar texts or 0 for dissimilar ones"));

    [Test]
    public void RetrievalByHand()
    {
        // The query finds d2 (relevant), d0, d3 (relevant), d1; d1 and d3 are equally similar, and d1 sorts first by id.
        RetrievalDataset data = new(
            [new("q", "a query"), new("unanswered", "another")],
            [new("d0", "a"), new("d3", "b"), new("d2", "c"), new("d1", "d")],
            new Dictionary<string, IReadOnlySet<string>> { ["q"] = new HashSet<string> { "d2", "d3" } });
        RetrievalOptions options = new() { AccuracyAtK = [1, 2], PrecisionRecallAtK = [1, 4], MrrAtK = [10], NdcgAtK = [10], MapAtK = [100] };
        InformationRetrievalEvaluator evaluator = new("ir", data, Encoder, options, csvFolder: _folder);

        EvaluationFigures figures = evaluator.Evaluate(new ScriptedEmbedder(2, [1, 0], [4, 1, 1, 1, 9, 1, 1, 1]), new EvaluationMoment(1, 3));

        double ndcg = (1 + (1 / Math.Log2(5))) / (1 + (1 / Math.Log2(3)));
        Assert.That(figures.PrimaryMetric, Is.EqualTo("ir_cosine_ndcg@10"));
        Assert.That(evaluator.Metrics, Is.EqualTo(figures.Values.Keys));
        Assert.That(figures.Values, Is.EqualTo(new Dictionary<string, double>
        {
            ["ir_cosine_accuracy@1"] = 1,
            ["ir_cosine_accuracy@2"] = 1,
            ["ir_cosine_precision@1"] = 1,
            ["ir_cosine_precision@4"] = 0.5,
            ["ir_cosine_recall@1"] = 0.5,
            ["ir_cosine_recall@4"] = 1,
            ["ir_cosine_ndcg@10"] = ndcg,
            ["ir_cosine_mrr@10"] = 1,
            ["ir_cosine_map@100"] = (1 + (2 / 4.0)) / 2,
        }));
        Assert.That(
            File.ReadAllText(Path.Combine(_folder, "Information-Retrieval_evaluation_ir_results.csv")), Is.EqualTo(
                "epoch,steps,cosine-Accuracy@1,cosine-Accuracy@2,cosine-Precision@1,cosine-Recall@1,cosine-Precision@4,cosine-Recall@4,cosine-MRR@10,cosine-NDCG@10,cosine-MAP@100\n"
                + $"1.0,3,1.0,1.0,1.0,0.5,0.5,1.0,1.0,{PythonFloat.Repr(ndcg)},0.75\n"));
    }

    [Test]
    public void RetrievalAgreesWithSortingEverything([Values] SimilarityFunction function)
    {
        const int Queries = 7, Documents = 60, Width = 13, Largest = 12;
        Random random = new((int)function);
        float[] Vectors(int count) => [.. Enumerable.Range(0, count * Width).Select(_ => (random.NextSingle() * 2) - 1)];
        float[] queries = Vectors(Queries);
        float[] documents = Vectors(Documents);
        Dictionary<string, IReadOnlySet<string>> relevant = Enumerable.Range(0, Queries).ToDictionary(
            static q => $"q{q}", _ => (IReadOnlySet<string>)new HashSet<string>(Enumerable.Range(0, Documents).Where(_ => random.Next(8) == 0).Append(3).Select(static d => $"d{d}")));
        RetrievalDataset data = new(
            [.. Enumerable.Range(0, Queries).Select(static q => new KeyValuePair<string, string>($"q{q}", "q"))],
            [.. Enumerable.Range(0, Documents).Select(static d => new KeyValuePair<string, string>($"d{d}", "d"))], relevant);
        RetrievalOptions options = new() { MrrAtK = [Largest], NdcgAtK = [Largest], MapAtK = [Largest] };

        EvaluationFigures figures = new InformationRetrievalEvaluator("", data, Encoder, options, [function]).Evaluate(new ScriptedEmbedder(Width, queries, documents), null);

        double accuracy = 0, map = 0, mrr = 0, recall = 0;
        for (int q = 0; q < Queries; q++)
        {
            int[] order = [.. Enumerable.Range(0, Documents).OrderByDescending(d => Similarity(queries.AsSpan(q * Width, Width), documents.AsSpan(d * Width, Width), function))];
            bool[] hits = [.. order.Select(d => relevant[$"q{q}"].Contains($"d{d}"))];
            int all = relevant[$"q{q}"].Count;
            accuracy += hits.Take(3).Any(static h => h) ? 1.0 / Queries : 0;
            recall += (double)hits.Take(5).Count(static h => h) / all / Queries;
            int first = Array.IndexOf(hits, true);
            mrr += first < Largest ? 1.0 / (first + 1) / Queries : 0;
            map += Enumerable.Range(0, Largest).Where(r => hits[r]).Sum(r => (double)hits.Take(r + 1).Count(static h => h) / (r + 1)) / Math.Min(Largest, all) / Queries;
        }

        string name = SimilarityScores.NameOf(function);
        Assert.That(figures.Values[$"{name}_accuracy@3"], Is.EqualTo(accuracy).Within(1e-9));
        Assert.That(figures.Values[$"{name}_recall@5"], Is.EqualTo(recall).Within(1e-9));
        Assert.That(figures.Values[$"{name}_mrr@{Largest}"], Is.EqualTo(mrr).Within(1e-9));
        Assert.That(figures.Values[$"{name}_map@{Largest}"], Is.EqualTo(map).Within(1e-9));
    }

    [Test]
    public void RetrievalFilesAreBeirs()
    {
        string queries = Write("queries.jsonl", """{"_id": "q1", "text": "first"}""" + "\n" + """{"_id": "q2", "text": "second"}""" + "\n");
        string corpus = Write("corpus.jsonl", """{"_id": "7", "title": "Title", "text": "body"}""" + "\n" + """{"_id": "8", "title": "", "text": "other"}""" + "\n");
        string relevant = Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq2\t7\t1\nq2\t8\t0\n");

        RetrievalDataset data = RetrievalDataset.Load(new DatasetSource(queries), new DatasetSource(corpus), new DatasetSource(relevant));

        Assert.That(data.Queries, Is.EqualTo(["second"]));
        Assert.That(data.Documents, Is.EqualTo(["Title body", "other"]));
        Assert.That(data.Relevant.Single(), Is.EqualTo([0]));
    }

    [TestCase("query-id\tcorpus-id\nq1\t99\n", "qrels.tsv, line 2: the document '99' is not in ")]
    [TestCase("query-id\tcorpus-id\nq9\t7\n", "qrels.tsv, line 2: the query 'q9' is not in ")]
    [TestCase("query-id\tcorpus-id\tscore\nq1\t7\thigh\n", "qrels.tsv, line 2: the score is 'high', but must be a number")]
    [TestCase("query-id\tcorpus-id\tscore\nq1\t7\t0\n", "names no document that is relevant")]
    [TestCase("query-id\tdocument\nq1\t7\n", "qrels.tsv has no column corpus-id")]
    public void BadRelevanceIsNamed(string relevant, string place)
    {
        string queries = Write("queries.tsv", "_id\ttext\nq1\tfirst\n");
        string corpus = Write("corpus.tsv", "_id\ttext\n7\tbody\n");
        Assert.That(
            () => RetrievalDataset.Load(new DatasetSource(queries), new DatasetSource(corpus), new DatasetSource(Write("qrels.tsv", relevant))),
            Throws.TypeOf<InputException>().With.Message.Contains(place));
    }

    [Test]
    public void AnIdTwiceIsRefused()
    {
        string twice = Write("queries.tsv", "_id\ttext\nq1\tfirst\nq1\tsecond\n");
        Assert.That(
            () => RetrievalDataset.Load(new DatasetSource(twice), new DatasetSource(twice), new DatasetSource(twice)), Throws.TypeOf<InputException>().With.Message.Contains("line 3: the query 'q1' is there twice"));
    }

    private static double Similarity(ReadOnlySpan<float> q, ReadOnlySpan<float> d, SimilarityFunction function)
    {
        double dot = 0, qq = 0, dd = 0, squares = 0, distance = 0;
        for (int i = 0; i < q.Length; i++)
        {
            dot += (double)q[i] * d[i];
            qq += (double)q[i] * q[i];
            dd += (double)d[i] * d[i];
            squares += Math.Pow((double)q[i] - d[i], 2);
            distance += Math.Abs((double)q[i] - d[i]);
        }

        return function switch
        {
            SimilarityFunction.Cosine => dot / Math.Sqrt(qq * dd),
            SimilarityFunction.Dot => dot,
            SimilarityFunction.Euclidean => -squares,
            _ => -distance,
        };
    }

    private string Write(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    private static TextDataset Triplets(int rows) => new(
        ["anchor", "positive", "negative"], [.. Enumerable.Range(0, 3).Select(column => Enumerable.Range(0, rows).Select(row => Texts[column + row]).ToArray())]);
}
