using MnrEngine.Evaluation;
using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Evaluation;

/// <summary>Hands out embeddings in the order in which they are asked for.</summary>
internal sealed class ScriptedEmbedder(int dimension, params float[][] embeddings) : IEmbedder
{
    private int _next;

    public int Dimension => dimension;

    public float[] Embed(TokenizedTexts sentences)
    {
        float[] next = embeddings[_next++];
        Assert.That(next, Has.Length.EqualTo(sentences.Count * dimension));
        return next;
    }
}
