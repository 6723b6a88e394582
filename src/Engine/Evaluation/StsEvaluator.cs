using MnrEngine.Data;
using MnrEngine.Models;
using MnrEngine.Text;

namespace MnrEngine.Evaluation;

/// <summary>
/// sentence-transformers' EmbeddingSimilarityEvaluator: how well the similarities of sentence pairs follow the scores people gave them.
/// The sentences are tokenised once.
/// </summary>
public sealed class StsEvaluator : IEvaluator
{
    private readonly TokenizedTexts _sentences1;
    private readonly TokenizedTexts _sentences2;
    private readonly double[] _scores;
    private readonly string? _csvFolder;

    /// <summary>Prepares an evaluation.</summary>
    /// <param name="name">Its name, for example "sts-dev"; may be empty.</param>
    /// <param name="data">Sentence pairs and their scores.</param>
    /// <param name="encoder">Gives the tokenizer, the maximum length and the prompt.</param>
    /// <param name="csvFolder">The folder whose CSV file gets a line for each evaluation, or null for none.</param>
    public StsEvaluator(string name, StsDataset data, SentenceEncoder encoder, string? csvFolder = null)
    {
        Name = name;
        _sentences1 = encoder.TokenizeForEncoding(data.Sentences1);
        _sentences2 = encoder.TokenizeForEncoding(data.Sentences2);
        _scores = [.. data.Scores];
        _csvFolder = csvFolder;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Metrics =>
        [.. new SimilarityScores(default, default, default, default).Metrics(Name, SimilarityScores.AllFunctions).Select(static metric => metric.Key)];

    /// <inheritdoc/>
    public EvaluationFigures Evaluate(IEmbedder embedder, EvaluationMoment? moment)
    {
        SimilarityScores scores = EmbeddingSimilarity.Evaluate(embedder.Embed(_sentences1), embedder.Embed(_sentences2), embedder.Dimension, _scores);
        if (_csvFolder is not null)
        {
            SimilarityCsv.Append(Path.Combine(_csvFolder, SimilarityCsv.FileName(Name)), moment?.Epoch, moment?.Steps, scores, SimilarityScores.AllFunctions);
        }

        string prefix = Name.Length == 0 ? "" : Name + "_";
        return new EvaluationFigures(prefix + "spearman_cosine", new Dictionary<string, double>(scores.Metrics(Name, SimilarityScores.AllFunctions)));
    }
}
