using MnrEngine.Data;
using MnrEngine.Models;
using MnrEngine.Text;

namespace MnrEngine.Evaluation;

/// <summary>
/// sentence-transformers' InformationRetrievalEvaluator: how far up the relevant documents of a query come among all documents. Of equally similar documents the one
/// whose id sorts first comes first, as there since 6.0. The figure that tells how good the model is, NDCG at the largest rank with the similarity function for which it is largest, is
/// chosen at the first evaluation and stays, as there: figures of two functions don't compare.
/// </summary>
public sealed class InformationRetrievalEvaluator : IEvaluator
{
    // Documents tokenised and embedded at a time, as sentence-transformers does.
    private const int ChunkLength = 50_000;
    private const float ShortestLength = 1e-12f;

    private readonly RetrievalOptions _options;
    private readonly IReadOnlyList<SimilarityFunction> _functions;
    private readonly int[] _byName;
    private readonly TokenizedTexts _queries;
    private readonly TokenizedTexts[] _corpus;
    private readonly int[] _rankOfId;
    private readonly IReadOnlyList<HashSet<int>> _relevant;
    private readonly string? _csvFolder;
    private string? _primaryMetric;

    /// <summary>Prepares an evaluation.</summary>
    /// <param name="name">Its name; may be empty.</param>
    /// <param name="data">Queries, documents, and which are relevant to which.</param>
    /// <param name="encoder">Gives the tokenizer, the maximum length and the prompts.</param>
    /// <param name="options">At which ranks figures are taken.</param>
    /// <param name="functions">The similarity functions; null for the model's own.</param>
    /// <param name="csvFolder">The folder whose CSV file gets a line for each evaluation, or null for none.</param>
    public InformationRetrievalEvaluator(
        string name, RetrievalDataset data, SentenceEncoder encoder, RetrievalOptions? options = null, IReadOnlyList<SimilarityFunction>? functions = null, string? csvFolder = null)
    {
        Name = name;
        _options = options ?? new RetrievalOptions();
        _functions = functions ?? [EvaluationTexts.SimilarityOf(encoder)];
        _byName = [.. Enumerable.Range(0, _functions.Count).OrderBy(i => SimilarityScores.NameOf(_functions[i]), StringComparer.Ordinal)];
        _queries = EvaluationTexts.Queries(encoder, data.Queries);
        _corpus = [.. data.Documents.Chunk(ChunkLength).Select(chunk => EvaluationTexts.Documents(encoder, chunk))];
        _relevant = data.Relevant;
        int[] order = [.. Enumerable.Range(0, data.DocumentIds.Count).OrderBy(i => data.DocumentIds[i], CodePointOrder.Instance)];
        _rankOfId = new int[order.Length];
        for (int rank = 0; rank < order.Length; rank++)
        {
            _rankOfId[order[rank]] = rank;
        }

        _csvFolder = csvFolder;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Metrics => [.. Figures([.. _functions.Select(_ => new RetrievalFigures(_options))]).Keys];

    /// <inheritdoc/>
    public EvaluationFigures Evaluate(IEmbedder embedder, EvaluationMoment? moment)
    {
        int dimension = embedder.Dimension;
        float[] queries = embedder.Embed(_queries);
        BestDocuments[,] best = new BestDocuments[_functions.Count, _queries.Count];
        for (int i = 0; i < best.Length; i++)
        {
            best[i / _queries.Count, i % _queries.Count] = new BestDocuments(_options.LargestK, _rankOfId);
        }

        float[] units = Normalized(queries, dimension);
        int first = 0;
        foreach (TokenizedTexts chunk in _corpus)
        {
            float[] documents = embedder.Embed(chunk);
            float[] documentUnits = _functions.Contains(SimilarityFunction.Cosine) ? Normalized(documents, dimension) : documents;
            for (int f = 0; f < _functions.Count; f++)
            {
                bool isCosine = _functions[f] == SimilarityFunction.Cosine;
                for (int query = 0; query < _queries.Count; query++)
                {
                    ReadOnlySpan<float> q = (isCosine ? units : queries).AsSpan(query * dimension, dimension);
                    for (int document = 0; document < chunk.Count; document++)
                    {
                        best[f, query].Offer(first + document, Similarity(q, (isCosine ? documentUnits : documents).AsSpan(document * dimension, dimension), _functions[f]));
                    }
                }
            }

            first += chunk.Count;
        }

        RetrievalFigures[] results = [.. _functions.Select(_ => new RetrievalFigures(_options))];
        for (int f = 0; f < results.Length; f++)
        {
            for (int query = 0; query < _queries.Count; query++)
            {
                results[f].Add([.. best[f, query].InOrder().Select(_relevant[query].Contains)], _relevant[query].Count);
            }
        }

        AppendCsv(results, moment);
        _primaryMetric ??= PrimaryMetric(results);
        return new EvaluationFigures(_primaryMetric, Figures(results));
    }

    private static float Similarity(ReadOnlySpan<float> query, ReadOnlySpan<float> document, SimilarityFunction function) => function switch
    {
        SimilarityFunction.Euclidean => -MathF.Sqrt(FloatVectors.SquaredDistance(query, document)),
        SimilarityFunction.Manhattan => -FloatVectors.Manhattan(query, document),
        _ => FloatVectors.Dot(query, document),
    };

    private static float[] Normalized(float[] embeddings, int dimension)
    {
        float[] units = new float[embeddings.Length];
        for (int row = 0; row < embeddings.Length; row += dimension)
        {
            ReadOnlySpan<float> embedding = embeddings.AsSpan(row, dimension);
            float length = Math.Max(MathF.Sqrt(FloatVectors.Dot(embedding, embedding)), ShortestLength);
            for (int i = 0; i < dimension; i++)
            {
                units[row + i] = embedding[i] / length;
            }
        }

        return units;
    }

    private void AppendCsv(RetrievalFigures[] results, EvaluationMoment? moment)
    {
        if (_csvFolder is not null)
        {
            EvaluationCsv.Append(
                Path.Combine(_csvFolder, EvaluationCsv.FileName("Information-Retrieval_evaluation", Name)), moment,
                [.. _byName.SelectMany(i => results[i].CsvColumns.Select(
                    column => KeyValuePair.Create($"{SimilarityScores.NameOf(_functions[i])}-{column.Key}", results[i][column.Value])))],
                EvaluationCsv.Plain);
        }
    }

    private Dictionary<string, double> Figures(RetrievalFigures[] results)
    {
        Dictionary<string, double> values = [];
        foreach ((SimilarityFunction function, RetrievalFigures result) in _functions.Zip(results))
        {
            foreach (string key in result.Keys)
            {
                values.Add(NameOf(function, key), result[key]);
            }
        }

        return values;
    }

    // Of equal figures that of the function whose name sorts first.
    private string PrimaryMetric(RetrievalFigures[] results)
    {
        string main = $"ndcg@{_options.NdcgAtK.Max()}";
        return NameOf(_functions[_byName.MaxBy(i => results[i][main])], main);
    }

    private string NameOf(SimilarityFunction function, string key) => $"{EvaluationTexts.Prefix(Name)}{SimilarityScores.NameOf(function)}_{key}";
}
