using System.Globalization;
using MnrEngine.Data.Reading;

namespace MnrEngine.Data;

/// <summary>Queries, documents, and which documents are relevant to which query.</summary>
public sealed class RetrievalDataset
{
    private static readonly string[] IdNames = ["_id", "id", "query-id", "qid", "corpus-id", "cid", "docid"];
    private static readonly string[] TextNames = ["text", "query", "question", "document", "passage", "contents"];
    private static readonly string[] QueryIdNames = ["query-id", "query_id", "qid"];
    private static readonly string[] DocumentIdNames = ["corpus-id", "corpus_id", "cid", "docid", "doc_id"];
    private const string TitleName = "title";
    private const string ScoreName = "score";

    /// <summary>A data set in memory. Queries to which nothing is relevant are left out, as sentence-transformers does.</summary>
    /// <param name="queries">The queries by id.</param>
    /// <param name="documents">The documents by id.</param>
    /// <param name="relevant">The ids of the documents relevant to each query, by the query's id.</param>
    /// <exception cref="ArgumentException">A relevant document is none of the documents.</exception>
    public RetrievalDataset(
        IReadOnlyList<KeyValuePair<string, string>> queries, IReadOnlyList<KeyValuePair<string, string>> documents, IReadOnlyDictionary<string, IReadOnlySet<string>> relevant)
    {
        Dictionary<string, int> places = [];
        for (int i = 0; i < documents.Count; i++)
        {
            places[documents[i].Key] = i;
        }

        List<string> kept = [];
        List<HashSet<int>> sets = [];
        foreach ((string id, string text) in queries)
        {
            if (relevant.TryGetValue(id, out IReadOnlySet<string>? ids) && ids.Count > 0)
            {
                kept.Add(text);
                sets.Add([.. ids.Select(document => places.TryGetValue(document, out int place) ? place : throw new ArgumentException($"there is no document {document}", nameof(relevant)))]);
            }
        }

        Queries = kept;
        Documents = [.. documents.Select(static document => document.Value)];
        DocumentIds = [.. documents.Select(static document => document.Key)];
        Relevant = sets;
    }

    /// <summary>The queries to which something is relevant.</summary>
    public IReadOnlyList<string> Queries { get; }

    /// <summary>The documents.</summary>
    public IReadOnlyList<string> Documents { get; }

    /// <summary>Their ids.</summary>
    public IReadOnlyList<string> DocumentIds { get; }

    /// <summary>The numbers of the documents relevant to each query.</summary>
    public IReadOnlyList<HashSet<int>> Relevant { get; }

    /// <summary>Reads a data set from three files, as BEIR's data sets have them.</summary>
    /// <param name="queries">Queries: columns _id (or id and the like) and text. Without a header line, the first two columns.</param>
    /// <param name="documents">Documents: the same, and perhaps a title, which is put before the text.</param>
    /// <param name="relevant">Pairs: columns query-id, corpus-id and perhaps score. A pair whose score is 0 or less is not relevant.</param>
    /// <exception cref="InputException">A file can't be read or is malformed, an id is there twice or unknown, or nothing is relevant.</exception>
    public static RetrievalDataset Load(DatasetSource queries, DatasetSource documents, DatasetSource relevant) => Load([queries], [documents], [relevant]);

    /// <summary>Reads a data set each of whose three parts may lie in several files.</summary>
    /// <inheritdoc cref="Load(DatasetSource, DatasetSource, DatasetSource)"/>
    public static RetrievalDataset Load(IReadOnlyList<DatasetSource> queries, IReadOnlyList<DatasetSource> documents, IReadOnlyList<DatasetSource> relevant)
    {
        List<KeyValuePair<string, string>> queryTexts = ReadTexts(queries, "query");
        List<KeyValuePair<string, string>> documentTexts = ReadTexts(documents, "document");
        HashSet<string> queryIds = [.. queryTexts.Select(static q => q.Key)];
        HashSet<string> documentIds = [.. documentTexts.Select(static d => d.Key)];
        Dictionary<string, IReadOnlySet<string>> pairs = [];
        foreach (DatasetSource source in relevant)
        {
            ReadPairs(source);
        }

        return pairs.Count > 0
            ? new RetrievalDataset(queryTexts, documentTexts, pairs)
            : throw new InputException($"{Names(relevant)} names no document that is relevant to a query, but at least one is needed");

        void ReadPairs(DatasetSource source)
        {
            using TableReader table = TableReader.Open(source, static fields => Find(fields, QueryIdNames) >= 0);
            int query = Column(table, QueryIdNames, 0);
            int document = Column(table, DocumentIdNames, 1);
            int score = table.Names is null ? (table.FirstRow!.Count > 2 ? 2 : -1) : Find(table.Names, [ScoreName]);
            table.Bind(score < 0 ? [query, document] : [query, document, score], texts: 0);
            while (table.Read())
            {
                if (table.IsBlankLine || (score >= 0 && !IsRelevant(table)))
                {
                    continue;
                }

                string queryId = table.Field(0).ToString();
                string documentId = table.Field(1).ToString();
                if (!queryIds.Contains(queryId))
                {
                    throw table.ErrorAt(table.Line, $"the query '{queryId}' is not in {Names(queries)}");
                }

                if (!documentIds.Contains(documentId))
                {
                    throw table.ErrorAt(table.Line, $"the document '{documentId}' is not in {Names(documents)}");
                }

                if (!pairs.TryGetValue(queryId, out IReadOnlySet<string>? ids))
                {
                    ids = new HashSet<string>();
                    pairs.Add(queryId, ids);
                }

                ((HashSet<string>)ids).Add(documentId);
            }
        }
    }

    private static string Names(IReadOnlyList<DatasetSource> sources) => string.Join(", ", sources.Select(static source => source.Path));

    private static bool IsRelevant(TableReader table) =>
        double.TryParse(table.Field(2), NumberStyles.Float, CultureInfo.InvariantCulture, out double score)
            ? score > 0
            : throw table.ErrorAt(table.Line, $"the score is '{table.Field(2)}', but must be a number");

    private static List<KeyValuePair<string, string>> ReadTexts(IReadOnlyList<DatasetSource> sources, string what)
    {
        List<KeyValuePair<string, string>> texts = [];
        HashSet<string> ids = [];
        foreach (DatasetSource source in sources)
        {
            ReadTexts(source, what, texts, ids);
        }

        return texts.Count > 0 ? texts : throw new InputException($"{Names(sources)} has no {what}, but at least one is needed");
    }

    private static void ReadTexts(DatasetSource source, string what, List<KeyValuePair<string, string>> texts, HashSet<string> ids)
    {
        using TableReader table = TableReader.Open(source, static fields => Find(fields, IdNames) >= 0);
        int id = Column(table, IdNames, 0);
        int text = Column(table, TextNames, 1);
        int title = table.Names is null ? -1 : Find(table.Names, [TitleName]);
        table.Bind(title < 0 ? [id, text] : [id, text, title], texts: 0);
        while (table.Read())
        {
            if (table.IsBlankLine)
            {
                continue;
            }

            string key = table.Field(0).ToString();
            if (!ids.Add(key))
            {
                throw table.ErrorAt(table.Line, $"the {what} '{key}' is there twice");
            }

            string body = table.Field(1).ToString();
            texts.Add(new(key, title >= 0 && !table.Field(2).IsWhiteSpace() ? $"{table.Field(2)} {body}" : body));
        }
    }

    private static int Column(TableReader table, string[] names, int position)
    {
        if (table.Names is null)
        {
            return table.FirstRow!.Count > position ? position : throw new InputException($"{table.Path} has only {table.FirstRow.Count} columns, but at least {position + 1} are needed");
        }

        int found = Find(table.Names, names);
        return found >= 0 ? found : throw new InputException($"{table.Path} has no column {string.Join(" or ", names)}: it has {ColumnList.Of(table.Names)}");
    }

    private static int Find(IReadOnlyList<string> fields, string[] names) =>
        names.Select(name => Enumerable.Range(0, fields.Count).FirstOrDefault(i => fields[i].Trim().Equals(name, StringComparison.OrdinalIgnoreCase), -1)).FirstOrDefault(static i => i >= 0, -1);
}
