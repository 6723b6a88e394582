using MnrEngine.Text;

namespace MnrEngine.Evaluation;

/// <summary>Turns tokenised sentences into embeddings.</summary>
public interface IEmbedder
{
    /// <summary>The width of an embedding.</summary>
    int Dimension { get; }

    /// <summary>The embeddings, row-major (sentences, <see cref="Dimension"/>), in the order of the sentences.</summary>
    float[] Embed(TokenizedTexts sentences);
}

/// <summary>The figures of an evaluation.</summary>
/// <param name="PrimaryMetric">The key of the figure that says how good the model is; larger is better.</param>
/// <param name="Values">All figures by sentence-transformers' keys.</param>
public sealed record EvaluationFigures(string PrimaryMetric, IReadOnlyDictionary<string, double> Values);

/// <summary>When in a run an evaluation takes place.</summary>
/// <param name="Epoch">The epoch, with the part of it that is done.</param>
/// <param name="Steps">The steps done.</param>
public readonly record struct EvaluationMoment(double Epoch, int Steps);

/// <summary>Judges a model.</summary>
public interface IEvaluator
{
    /// <summary>The name of what it judges by, for example "sts-dev".</summary>
    string Name { get; }

    /// <summary>The keys of the figures it gives; empty where they are not known before.</summary>
    IReadOnlyList<string> Metrics => [];

    /// <summary>Embeds what it has to and computes its figures.</summary>
    /// <param name="embedder">The model.</param>
    /// <param name="moment">When in a run this is; null outside training.</param>
    EvaluationFigures Evaluate(IEmbedder embedder, EvaluationMoment? moment);
}
