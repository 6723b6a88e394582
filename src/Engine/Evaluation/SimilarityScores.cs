namespace MnrEngine.Evaluation;

/// <summary>How well one similarity function orders pairs as people do.</summary>
/// <param name="Pearson">Pearson's correlation of similarities and gold scores.</param>
/// <param name="Spearman">Spearman's rank correlation of the same.</param>
public readonly record struct Correlations(double Pearson, double Spearman);

/// <summary>The figures of sentence-transformers' EmbeddingSimilarityEvaluator for one model and data set.</summary>
public sealed record SimilarityScores(Correlations Cosine, Correlations Dot, Correlations Euclidean, Correlations Manhattan)
{
    /// <summary>All four functions, in the order of reports.</summary>
    public static IReadOnlyList<SimilarityFunction> AllFunctions { get; } =
        [SimilarityFunction.Cosine, SimilarityFunction.Dot, SimilarityFunction.Euclidean, SimilarityFunction.Manhattan];

    /// <summary>The largest of the four Pearson correlations.</summary>
    public double PearsonMax => AllFunctions.Max(function => this[function].Pearson);

    /// <summary>The largest of the four Spearman correlations: what versions up to 2.7 returned as the score.</summary>
    public double SpearmanMax => AllFunctions.Max(function => this[function].Spearman);

    /// <summary>The correlations of one similarity function.</summary>
    public Correlations this[SimilarityFunction function] => function switch
    {
        SimilarityFunction.Cosine => Cosine,
        SimilarityFunction.Dot => Dot,
        SimilarityFunction.Euclidean => Euclidean,
        SimilarityFunction.Manhattan => Manhattan,
        _ => throw new ArgumentOutOfRangeException(nameof(function), function, null),
    };

    /// <summary>
    /// The figures under the names of today's versions, in their order: <c>{name}_pearson_cosine</c>, <c>{name}_spearman_cosine</c> and so
    /// on, then <c>{name}_pearson_max</c> and <c>{name}_spearman_max</c> when there are several functions.
    /// </summary>
    /// <param name="name">The evaluator's name, such as sts-dev; when empty, there is no prefix.</param>
    /// <param name="functions">The functions to report.</param>
    public IReadOnlyList<KeyValuePair<string, double>> Metrics(string name, IReadOnlyList<SimilarityFunction> functions)
    {
        string prefix = name.Length == 0 ? "" : name + "_";
        List<KeyValuePair<string, double>> metrics = [];
        foreach (SimilarityFunction function in functions)
        {
            Add("pearson_" + NameOf(function), this[function].Pearson);
            Add("spearman_" + NameOf(function), this[function].Spearman);
        }

        if (functions.Count > 1)
        {
            Add("pearson_max", functions.Max(function => this[function].Pearson));
            Add("spearman_max", functions.Max(function => this[function].Spearman));
        }

        return metrics;

        void Add(string key, double value) => metrics.Add(new KeyValuePair<string, double>(prefix + key, value));
    }

    /// <summary>A function's name in sentence-transformers: cosine, dot, euclidean or manhattan.</summary>
    public static string NameOf(SimilarityFunction function) => function switch
    {
        SimilarityFunction.Cosine => "cosine",
        SimilarityFunction.Dot => "dot",
        SimilarityFunction.Euclidean => "euclidean",
        SimilarityFunction.Manhattan => "manhattan",
        _ => throw new ArgumentOutOfRangeException(nameof(function), function, null),
    };
}
