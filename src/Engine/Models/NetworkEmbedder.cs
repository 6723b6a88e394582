using MnrEngine.Evaluation;
using MnrEngine.Kernels;
using MnrEngine.Text;

namespace MnrEngine.Models;

/// <summary>
/// Embeds sentences with a planned network: sorted by length, so that batches are even, and packed up to what the network has room for.
/// Sentences do not influence each other, so the order changes nothing but time.
/// </summary>
public sealed class NetworkEmbedder : IEmbedder
{
    private const int EncodingKind = -1;

    private readonly SentenceNetwork _network;
    private readonly int _sentences;
    private readonly PackedBatch _packed = new();

    /// <summary>Wraps a network.</summary>
    /// <param name="network">The network; training may go on with it afterwards.</param>
    /// <param name="batchSize">The most sentences of a batch, or 0 for what the network has room for.</param>
    public NetworkEmbedder(SentenceNetwork network, int batchSize = 0)
    {
        _network = network;
        _sentences = batchSize > 0 ? Math.Min(batchSize, network.Limits.Sentences) : network.Limits.Sentences;
    }

    /// <inheritdoc/>
    public int Dimension => _network.Dimension;

    /// <inheritdoc/>
    public float[] Embed(TokenizedTexts sentences)
    {
        int[] order = [.. Enumerable.Range(0, sentences.Count).OrderByDescending(i => sentences[i].Length)];
        float[] embeddings = new float[checked(sentences.Count * Dimension)];
        float[] batch = [];
        int first = 0;
        while (first < order.Length)
        {
            int count = Pack(sentences, order.AsSpan(first));
            Tensor output = Run();
            Array.Resize(ref batch, count * output.Columns);
            _network.Pass.Kernels.Read(output, batch);
            for (int i = 0; i < count; i++)
            {
                batch.AsSpan(i * output.Columns, Dimension).CopyTo(embeddings.AsSpan(order[first + i] * Dimension));
            }

            first += count;
        }

        return embeddings;
    }

    private int Pack(TokenizedTexts sentences, ReadOnlySpan<int> order)
    {
        _packed.Clear();
        foreach (int sentence in order)
        {
            if (_packed.Sentences == _sentences || _packed.Tokens + sentences[sentence].Length > _network.Limits.Tokens)
            {
                break;
            }

            _packed.Add(sentences[sentence], _network.FirstPosition);
        }

        return _packed.Sentences > 0
            ? _packed.Sentences
            : throw new ArgumentException($"a sentence of {sentences[order[0]].Length} tokens does not fit a network planned for {_network.Limits.Tokens}");
    }

    private Tensor Run()
    {
        IKernels kernels = _network.Pass.Kernels;
        kernels.Marks?.BeginStep(null);
        DeviceBatch batch = kernels.Upload(_packed);
        _network.Pass.BeginInference(batch);
        if (kernels.BeginStep(new StepKey(EncodingKind, batch.TokenRows, batch.Sentences, batch.LongestSentence, batch.Slot, _network)))
        {
            _network.Forward();
        }

        kernels.EndStep();
        kernels.Marks?.EndStep();
        return _network.Output.FirstRows(batch.Sentences);
    }
}
