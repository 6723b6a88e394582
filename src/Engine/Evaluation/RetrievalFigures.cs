namespace MnrEngine.Evaluation;

/// <summary>The figures of an information retrieval with one similarity function: means over queries.</summary>
internal sealed class RetrievalFigures
{
    private readonly RetrievalOptions _options;
    private readonly Dictionary<string, double> _sums = [];
    private int _queries;

    public RetrievalFigures(RetrievalOptions options)
    {
        _options = options;
        foreach (string key in Keys)
        {
            _sums.Add(key, 0);
        }
    }

    /// <summary>The names of the figures in sentence-transformers' order.</summary>
    public IReadOnlyList<string> Keys =>
    [
        .. _options.AccuracyAtK.Select(static k => $"accuracy@{k}"),
        .. _options.PrecisionRecallAtK.Select(static k => $"precision@{k}"),
        .. _options.PrecisionRecallAtK.Select(static k => $"recall@{k}"),
        .. _options.NdcgAtK.Select(static k => $"ndcg@{k}"),
        .. _options.MrrAtK.Select(static k => $"mrr@{k}"),
        .. _options.MapAtK.Select(static k => $"map@{k}"),
    ];

    /// <summary>The columns of the CSV file, and the figure in each.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> CsvColumns =>
    [
        .. _options.AccuracyAtK.Select(static k => KeyValuePair.Create($"Accuracy@{k}", $"accuracy@{k}")),
        .. _options.PrecisionRecallAtK.SelectMany(static k => new[] { KeyValuePair.Create($"Precision@{k}", $"precision@{k}"), KeyValuePair.Create($"Recall@{k}", $"recall@{k}") }),
        .. _options.MrrAtK.Select(static k => KeyValuePair.Create($"MRR@{k}", $"mrr@{k}")),
        .. _options.NdcgAtK.Select(static k => KeyValuePair.Create($"NDCG@{k}", $"ndcg@{k}")),
        .. _options.MapAtK.Select(static k => KeyValuePair.Create($"MAP@{k}", $"map@{k}")),
    ];

    /// <summary>A figure.</summary>
    public double this[string key] => _queries == 0 ? 0 : _sums[key] / _queries;

    /// <summary>Adds a query.</summary>
    /// <param name="isRelevant">Whether each document found is relevant, the most similar first.</param>
    /// <param name="relevant">How many documents are relevant, found or not.</param>
    public void Add(ReadOnlySpan<bool> isRelevant, int relevant)
    {
        _queries++;
        int first = isRelevant.IndexOf(true);
        foreach (int k in _options.AccuracyAtK)
        {
            _sums[$"accuracy@{k}"] += first >= 0 && first < k ? 1 : 0;
        }

        foreach (int k in _options.PrecisionRecallAtK)
        {
            int found = isRelevant[..Math.Min(k, isRelevant.Length)].Count(true);
            _sums[$"precision@{k}"] += (double)found / k;
            _sums[$"recall@{k}"] += (double)found / relevant;
        }

        foreach (int k in _options.MrrAtK)
        {
            _sums[$"mrr@{k}"] += first >= 0 && first < k ? 1.0 / (first + 1) : 0;
        }

        foreach (int k in _options.NdcgAtK)
        {
            double gain = 0, ideal = 0;
            for (int rank = 0; rank < k; rank++)
            {
                double share = 1 / Math.Log2(rank + 2);
                gain += rank < isRelevant.Length && isRelevant[rank] ? share : 0;
                ideal += rank < relevant ? share : 0;
            }

            _sums[$"ndcg@{k}"] += gain / ideal;
        }

        foreach (int k in _options.MapAtK)
        {
            double precisions = 0;
            int found = 0;
            for (int rank = 0; rank < Math.Min(k, isRelevant.Length); rank++)
            {
                if (isRelevant[rank])
                {
                    found++;
                    precisions += (double)found / (rank + 1);
                }
            }

            _sums[$"map@{k}"] += precisions / Math.Min(k, relevant);
        }
    }
}
