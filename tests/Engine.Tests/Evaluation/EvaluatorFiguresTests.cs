using MnrEngine.Data;
using MnrEngine.Evaluation;
using MnrEngine.Models;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Evaluation;

/// <summary>
/// The evaluators on a real model, text in and figures out, beside the same figures worked out here from the embeddings, in double precision and by the
/// figures' definitions instead of by sorting once.
/// </summary>
public sealed class EvaluatorFiguresTests : TinyBertTests
{
    private const double Tolerance = 1e-6;

    private static readonly string[] Nouns = ["dog", "man", "woman", "street", "park", "child", "people", "cat"];
    private static readonly string[] Verbs = ["runs", "sits", "is eating", "sleeps", "plays", "sings"];

    private SentenceNetwork _network = null!;

    [OneTimeSetUp]
    public void Plan() => _network = Encoder.PlanInference(tokens: 512, sentences: 16);

    [OneTimeTearDown]
    public void Release() => _network.Dispose();

    [Test]
    public void TripletAccuracyIsAShareOfRows([Values] SimilarityFunction function, [Values(0, 0.01)] double margin)
    {
        string[][] columns = [Texts(1, 40), Texts(2, 40), Texts(3, 40)];

        IReadOnlyDictionary<string, double> figures = new TripletEvaluator("t", new TextDataset(["anchor", "positive", "negative"], columns), Encoder, [function], margin)
            .Evaluate(new NetworkEmbedder(_network), null).Values;

        double[][][] embeddings = [.. columns.Select(Embed)];
        double expected = Enumerable.Range(0, 40).Average(row =>
            Similarity(embeddings[0][row], embeddings[1][row], function) > Similarity(embeddings[0][row], embeddings[2][row], function) + margin ? 1.0 : 0.0);
        Assert.That(figures.Keys, Is.EqualTo([$"t_{SimilarityScores.NameOf(function)}_accuracy"]));
        Assert.That(figures.Values.Single(), Is.EqualTo(expected));
        Assert.That(expected, Is.InRange(0.1, 0.9), "the case tells something");
    }

    /// <summary>
    /// Smaller distances are more similar: sentence-transformers had that the wrong way round for a time (3.x to 5.6 negate distances and rank them as if they
    /// hadn't), and its tests ask for this since.
    /// </summary>
    [Test]
    public void BinaryFiguresAreThoseOfTheBestThreshold([Values] SimilarityFunction function, [Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        string[] first = Texts(seed, 30);
        string[] second = Texts(seed + 10, 30);
        bool[] labels = [.. first.Select(_ => random.Next(3) == 0)];
        labels[0] = true;
        labels[1] = false;
        TextDataset data = new(["sentence1", "sentence2"], [first, second], [.. labels.Select(static label => label ? "1" : "0")]);

        IReadOnlyDictionary<string, double> figures = new BinaryClassificationEvaluator("", data, Encoder, [function]).Evaluate(new NetworkEmbedder(_network), null).Values;

        double[][] one = Embed(first), other = Embed(second);
        double[] scores = [.. one.Zip(other, (a, b) => Similarity(a, b, function))];
        double[] sorted = [.. scores.OrderDescending()];
        Assume.That(sorted.Distinct().Count(), Is.EqualTo(sorted.Length), "no two pairs are equally similar");
        double[] thresholds = [.. sorted.Zip(sorted.Skip(1), static (above, below) => (above + below) / 2)];
        Counts[] all = [.. thresholds.Select(threshold => Count(scores, labels, threshold))];
        int best = Enumerable.Range(0, all.Length).MaxBy(i => all[i].F1);
        double sign = function is SimilarityFunction.Euclidean or SimilarityFunction.Manhattan ? -1 : 1;
        double averagePrecision = Enumerable.Range(0, sorted.Length).Where(rank => labels[Array.IndexOf(scores, sorted[rank])])
            .Average(rank => Count(scores, labels, sorted[rank]).Precision);
        string name = SimilarityScores.NameOf(function);
        Assert.Multiple(() =>
        {
            Assert.That(figures[$"{name}_accuracy"], Is.EqualTo(all.Max(static counts => counts.Accuracy)).Within(1e-12));
            Assert.That(Count(scores, labels, sign * figures[$"{name}_accuracy_threshold"]).Accuracy, Is.EqualTo(figures[$"{name}_accuracy"]).Within(1e-12));
            Assert.That(figures[$"{name}_f1"], Is.EqualTo(all[best].F1).Within(1e-12));
            Assert.That(figures[$"{name}_f1_threshold"], Is.EqualTo(sign * thresholds[best]).Within(Tolerance * Math.Max(1, Math.Abs(thresholds[best]))), "to single precision");
            Assert.That(figures[$"{name}_precision"], Is.EqualTo(all[best].Precision).Within(1e-12));
            Assert.That(figures[$"{name}_recall"], Is.EqualTo(all[best].Recall).Within(1e-12));
            Assert.That(figures[$"{name}_ap"], Is.EqualTo(averagePrecision).Within(1e-12));

            // Matthews' coefficient is Pearson's correlation of what is predicted and what is.
            Assert.That(figures[$"{name}_mcc"], Is.EqualTo(Correlation.Pearson(
                [.. scores.Select(score => score >= thresholds[best] ? 1.0 : 0.0)], [.. labels.Select(static label => label ? 1.0 : 0.0)])).Within(1e-12));
        });
    }

    [Test]
    public void RetrievalFiguresAreMeansOverQueries([Values] SimilarityFunction function)
    {
        const int Queries = 8, Documents = 45;
        Random random = new(5);
        string[] queries = Texts(21, Queries), documents = [.. Enumerable.Range(0, Documents).Select(i => $"{Texts(100 + i, 1)[0]} {Texts(300 + i, 1)[0]}")];
        HashSet<int>[] relevant = [.. queries.Select(_ => Enumerable.Range(0, Documents).Where(_ => random.Next(9) == 0).Append(4).ToHashSet())];
        RetrievalDataset data = new(
            [.. queries.Select(static (text, i) => KeyValuePair.Create($"q{i}", text))],
            [.. documents.Select(static (text, i) => KeyValuePair.Create($"d{i}", text))],
            relevant.Select(static (ids, i) => (ids, i)).ToDictionary(static q => $"q{q.i}", static q => (IReadOnlySet<string>)q.ids.Select(static d => $"d{d}").ToHashSet()));

        IReadOnlyDictionary<string, double> figures = new InformationRetrievalEvaluator("", data, Encoder, functions: [function]).Evaluate(new NetworkEmbedder(_network), null).Values;

        double[][] asked = Embed(queries), found = Embed(documents);
        bool[][] hits = [.. asked.Select((query, q) => Enumerable.Range(0, Documents).OrderByDescending(d => Similarity(query, found[d], function)).Select(relevant[q].Contains).ToArray())];
        Dictionary<string, double> expected = [];
        string name = SimilarityScores.NameOf(function);
        int[] ranks = [1, 3, 5, 10];
        foreach ((string figure, Func<bool[], int, int, double> value) in ((string, Func<bool[], int, int, double>)[])
            [("accuracy", static (h, _, k) => h.Take(k).Contains(true) ? 1 : 0), ("precision", static (h, _, k) => (double)h.Take(k).Count(static x => x) / k), ("recall", static (h, n, k) => (double)h.Take(k).Count(static x => x) / n)])
        {
            foreach (int k in ranks)
            {
                expected[$"{name}_{figure}@{k}"] = Mean((h, n) => value(h, n, k));
            }
        }

        expected[$"{name}_ndcg@10"] = Mean(static (h, n) =>
            h.Take(10).Select(static (x, rank) => x ? 1 / Math.Log2(rank + 2) : 0).Sum() / Enumerable.Range(0, Math.Min(n, 10)).Sum(static rank => 1 / Math.Log2(rank + 2)));
        expected[$"{name}_mrr@10"] = Mean(static (h, _) => h.Take(10).Contains(true) ? 1.0 / (Array.IndexOf(h, true) + 1) : 0);
        expected[$"{name}_map@100"] = Mean(static (h, n) => Enumerable.Range(0, Math.Min(h.Length, 100)).Where(rank => h[rank]).Sum(rank => (double)h.Take(rank + 1).Count(static x => x) / (rank + 1)) / Math.Min(n, 100));
        Assert.That(figures.Keys, Is.EqualTo(expected.Keys), "in sentence-transformers' order");
        foreach ((string key, double value) in expected)
        {
            Assert.That(figures[key], Is.EqualTo(value).Within(1e-12), key);
        }

        double Mean(Func<bool[], int, double> figure) => Enumerable.Range(0, Queries).Average(q => figure(hits[q], relevant[q].Count));
    }

    private readonly record struct Counts(int RightYes, int WrongYes, int RightNo, int WrongNo)
    {
        public double Accuracy => (double)(RightYes + RightNo) / (RightYes + WrongYes + RightNo + WrongNo);

        public double Precision => RightYes == 0 ? 0 : (double)RightYes / (RightYes + WrongYes);

        public double Recall => (double)RightYes / (RightYes + WrongNo);

        public double F1 => 2.0 * RightYes / ((2 * RightYes) + WrongYes + WrongNo);
    }

    private static Counts Count(double[] scores, bool[] labels, double threshold)
    {
        (double Score, bool Label)[] pairs = [.. scores.Zip(labels)];
        return new Counts(
            pairs.Count(p => p.Score >= threshold && p.Label), pairs.Count(p => p.Score >= threshold && !p.Label),
            pairs.Count(p => p.Score < threshold && !p.Label), pairs.Count(p => p.Score < threshold && p.Label));
    }

    private double[][] Embed(string[] texts)
    {
        int dimension = Encoder.Description.EmbeddingDimension;
        float[] embeddings = Encoder.Encode(texts);
        return [.. Enumerable.Range(0, texts.Length).Select(row => embeddings.AsSpan(row * dimension, dimension).ToArray().Select(static x => (double)x).ToArray())];
    }

    private static double Similarity(double[] a, double[] b, SimilarityFunction function) => function switch
    {
        SimilarityFunction.Cosine => a.Zip(b, static (x, y) => x * y).Sum() / Math.Sqrt(a.Sum(static x => x * x) * b.Sum(static x => x * x)),
        SimilarityFunction.Dot => a.Zip(b, static (x, y) => x * y).Sum(),
        SimilarityFunction.Euclidean => -Math.Sqrt(a.Zip(b, static (x, y) => (x - y) * (x - y)).Sum()),
        _ => -a.Zip(b, static (x, y) => Math.Abs(x - y)).Sum(),
    };

    private static string[] Texts(int seed, int count)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => string.Join(' ', Enumerable.Range(0, random.Next(1, 4)).Select(_ => $"the {Nouns[random.Next(Nouns.Length)]} {Verbs[random.Next(Verbs.Length)]}")))];
    }
}
