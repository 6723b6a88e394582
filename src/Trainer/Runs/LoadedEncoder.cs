using MnrEngine.Kernels;
using MnrEngine.Models;
using MnrEngine.Text;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Runs;

/// <summary>A model on a device of its own, ready to embed sentences.</summary>
internal sealed class LoadedEncoder : IDisposable
{
    // Sentences tokenised and embedded at a time, so that memory does not grow with the input.
    private const int ChunkLength = 16384;

    /// <summary>Enough tokens at once to keep a device busy, few enough for their activations to stay in its caches.</summary>
    public const int TokensOfBatch = 2048;

    private readonly IKernels _kernels;
    private readonly SentenceNetwork _network;

    private LoadedEncoder(IKernels kernels, SentenceEncoder encoder, SentenceNetwork network)
    {
        _kernels = kernels;
        Encoder = encoder;
        _network = network;
    }

    /// <summary>The model.</summary>
    public SentenceEncoder Encoder { get; }

    /// <summary>The device, in words.</summary>
    public string DeviceDescription => _kernels.Description;

    /// <summary>The width of an embedding.</summary>
    public int Dimension => _network.Dimension;

    /// <summary>Loads a model.</summary>
    /// <param name="model">Its folder, or its id on the hub.</param>
    /// <param name="options">How to run it.</param>
    /// <exception cref="InputException">There is no model that can be loaded.</exception>
    public static LoadedEncoder Open(string model, EncoderOptions options)
    {
        string folder = HubFiles.Model(model, options.Log);
        IKernels kernels = Devices.Create(options.Device);
        SentenceEncoder? encoder = null;
        try
        {
            encoder = SentenceEncoder.Load(folder, kernels, training: false, options.MaxSequenceLength);
            return new LoadedEncoder(kernels, encoder, encoder.PlanInference(TokensOfBatch, options.BatchSize));
        }
        catch
        {
            encoder?.Dispose();
            kernels.Dispose();
            throw;
        }
    }

    /// <summary>Turns sentences into tokens, as encoding does.</summary>
    public TokenizedTexts Tokenize(IReadOnlyList<string> sentences) => Encoder.TokenizeForEncoding(sentences);

    /// <summary>Embeds tokenised sentences.</summary>
    public float[] Embed(TokenizedTexts sentences) => Embedder.Embed(sentences);

    /// <summary>Something that embeds, for evaluators.</summary>
    public NetworkEmbedder Embedder => new(_network);

    /// <summary>Embeds sentences, some thousands at a time.</summary>
    /// <returns>The embeddings of the next sentences, row-major (sentences, <see cref="Dimension"/>), and how many of these were cut at the maximum length.</returns>
    public IEnumerable<(float[] Embeddings, int Truncated)> EmbedInChunks(IReadOnlyList<string> sentences)
    {
        for (int first = 0; first < sentences.Count; first += ChunkLength)
        {
            TokenizedTexts tokens = Tokenize([.. sentences.Skip(first).Take(ChunkLength)]);
            yield return (Embed(tokens), tokens.TruncatedCount);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _network.Dispose();
        Encoder.Dispose();
        _kernels.Dispose();
    }
}
