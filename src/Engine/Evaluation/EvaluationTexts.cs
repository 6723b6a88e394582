using MnrEngine.Models;
using MnrEngine.Text;

namespace MnrEngine.Evaluation;

/// <summary>What evaluators have in common: names, prompts, and a model's own similarity function.</summary>
internal static class EvaluationTexts
{
    private static readonly string[] DocumentPrompts = ["document", "passage", "corpus"];

    /// <summary>What comes before each figure's key.</summary>
    public static string Prefix(string name) => name.Length == 0 ? "" : $"{name}_";

    /// <summary>The similarity function that a model says it is used with.</summary>
    public static SimilarityFunction SimilarityOf(SentenceEncoder encoder) => Parse(encoder.Description.SimilarityFunction);

    /// <summary>The similarity function of a name in sentence-transformers.</summary>
    public static SimilarityFunction Parse(string name) => SimilarityScores.AllFunctions.First(function => SimilarityScores.NameOf(function) == name);

    /// <summary>Texts as sentence-transformers' <c>encode_query</c> prepares them: with the prompt called query, if there is one.</summary>
    public static TokenizedTexts Queries(SentenceEncoder encoder, IReadOnlyList<string> texts) => WithPrompt(encoder, texts, ["query"]);

    /// <summary>Texts as sentence-transformers' <c>encode_document</c> prepares them: with the prompt called document, passage or corpus, if there is one.</summary>
    public static TokenizedTexts Documents(SentenceEncoder encoder, IReadOnlyList<string> texts) => WithPrompt(encoder, texts, DocumentPrompts);

    private static TokenizedTexts WithPrompt(SentenceEncoder encoder, IReadOnlyList<string> texts, string[] names)
    {
        string? name = names.FirstOrDefault(encoder.Description.Prompts.ContainsKey);
        return name is null ? encoder.TokenizeForEncoding(texts) : encoder.Tokenize(texts, encoder.Description.Prompts[name]);
    }
}
