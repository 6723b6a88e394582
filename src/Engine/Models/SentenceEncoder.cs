using MnrEngine.Autograd;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Tracing;
using MnrEngine.Layers;
using MnrEngine.Serialization;
using MnrEngine.Text;

namespace MnrEngine.Models;

/// <summary>
/// A sentence encoder on a device: tokenizer, transformer, pooling and the modules behind it, with their weights. What sentence-transformers
/// calls a SentenceTransformer.
/// </summary>
public sealed class SentenceEncoder : IDisposable
{
    /// <summary>Enough tokens at once to keep a device busy, few enough for their activations to stay near it.</summary>
    private const int TokensOfInferenceBatch = 2048;

    private readonly EncoderParameters _parameters;

    private SentenceEncoder(IKernels kernels, EncoderDescription description, WordPieceTokenizer tokenizer, EncoderParameters parameters)
    {
        Kernels = kernels;
        Description = description;
        Tokenizer = tokenizer;
        _parameters = parameters;
    }

    /// <summary>The device.</summary>
    public IKernels Kernels { get; }

    /// <summary>What the encoder consists of.</summary>
    public EncoderDescription Description { get; }

    /// <summary>Turns sentences into token ids.</summary>
    public WordPieceTokenizer Tokenizer { get; }

    /// <summary>The weights and, when the encoder was made for training, their gradients.</summary>
    public ParameterArena Parameters => _parameters.Arena;

    /// <summary>The position of a sentence's first token.</summary>
    public int FirstPosition => Description.Transformer.Architecture.FirstPosition;

    /// <summary>Loads an encoder from a folder that sentence-transformers or transformers wrote.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="kernels">The device; it has to outlive the encoder.</param>
    /// <param name="training">Whether gradients will be needed.</param>
    /// <param name="maxSequenceLength">The longest sentence in tokens, instead of what the folder says.</param>
    /// <exception cref="InputException">The folder holds no model that can be loaded, or its network can't read sentences of that length.</exception>
    public static SentenceEncoder Load(string folder, IKernels kernels, bool training = false, int? maxSequenceLength = null)
    {
        using ModelFolder files = ModelFolder.Open(folder);
        if (maxSequenceLength > files.Description.Transformer.LongestSentence)
        {
            throw new InputException(
                $"{folder}: a maximum length of {maxSequenceLength} tokens was asked for, but the network has only {files.Description.Transformer.LongestSentence} positions");
        }

        EncoderDescription description = files.Description with { MaxSequenceLength = maxSequenceLength ?? files.Description.MaxSequenceLength };

        // A small model's tokenizer takes as long to read as its weights.
        Task<WordPieceTokenizer> reading = Task.Run(() => WordPieceTokenizer.Load(files.TransformerFolder));
        EncoderParameters parameters = new(kernels, description, TransformerWeightNames.Pooler(files.Description.Transformer).All(w => files.Has(w.Name)), training);
        try
        {
            parameters.Load(files);
            WordPieceTokenizer tokenizer = reading.GetAwaiter().GetResult();
            CheckVocabulary(description, tokenizer, folder);
            return new SentenceEncoder(kernels, description, tokenizer, parameters);
        }
        catch
        {
            // Nothing of the folder is read any more when the caller hears of it.
            Task.WaitAny(reading);
            parameters.Dispose();
            throw;
        }
    }

    /// <summary>Makes an encoder with random weights.</summary>
    /// <param name="description">What it consists of.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="kernels">The device; it has to outlive the encoder.</param>
    /// <param name="seed">The seed of the weights.</param>
    /// <exception cref="InputException">The tokenizer knows more tokens than the network has embeddings.</exception>
    public static SentenceEncoder Create(EncoderDescription description, WordPieceTokenizer tokenizer, IKernels kernels, long seed)
    {
        CheckVocabulary(description, tokenizer, "the new model");
        EncoderParameters parameters = new(kernels, description, pooler: true, gradients: true);
        parameters.Initialise(seed);
        return new SentenceEncoder(kernels, description, tokenizer, parameters);
    }

    /// <summary>
    /// Saves the encoder in a folder of its own, in the layout that every version of sentence-transformers loads. A folder that is there is
    /// replaced as a whole; if the program dies meanwhile, the old one is still whole.
    /// </summary>
    /// <exception cref="InputException">The folder can't be written.</exception>
    public void Save(string folder, ModelCard card) => Writer(card).Save(folder);

    /// <summary>Writes the encoder's files into a folder that is there.</summary>
    public void WriteFiles(string folder, ModelCard card) => Writer(card).WriteTo(folder);

    /// <summary>Replaces the weights by those of a folder that an encoder of the same shape was saved to.</summary>
    /// <exception cref="InputException">The folder holds no such model.</exception>
    public void LoadWeights(string folder)
    {
        using ModelFolder files = ModelFolder.Open(folder);
        _parameters.Load(files);
    }

    /// <summary>Turns sentences into token ids, cut at the maximum length.</summary>
    /// <param name="sentences">The sentences.</param>
    /// <param name="prompt">A text put before each of them.</param>
    public TokenizedTexts Tokenize(IReadOnlyList<string> sentences, string prompt = "")
    {
        IReadOnlyList<string> texts = prompt.Length == 0 && !Description.LowerCase
            ? sentences
            : [.. sentences.Select(s => Description.LowerCase ? (prompt + s).ToLowerInvariant() : prompt + s)];
        return Tokenizer.EncodeBatch(texts, Description.MaxSequenceLength);
    }

    /// <summary>The embeddings of sentences, row-major (sentences, <see cref="EncoderDescription.EmbeddingDimension"/>), as sentence-transformers' <c>encode</c> gives them.</summary>
    /// <param name="sentences">The sentences; those beyond the maximum length are cut.</param>
    /// <param name="batchSize">The most sentences computed at once.</param>
    public float[] Encode(IReadOnlyList<string> sentences, int batchSize = 32)
    {
        using SentenceNetwork network = PlanInference(TokensOfInferenceBatch, batchSize);
        return new NetworkEmbedder(network).Embed(TokenizeForEncoding(sentences));
    }

    /// <summary>Turns sentences into token ids with the model's default prompt before each, as encoding does and training does not.</summary>
    public TokenizedTexts TokenizeForEncoding(IReadOnlyList<string> sentences) =>
        Tokenize(sentences, Description.DefaultPromptName is string name ? Description.Prompts[name] : "");

    /// <summary>The encoder's dropout probabilities, or one probability for all places.</summary>
    public DropoutRates DropoutRates(double? probability = null) => new(
        (float)(probability ?? Description.Transformer.HiddenDropoutProb), (float)(probability ?? Description.Transformer.AttentionProbsDropoutProb));

    /// <summary>Plans the network for inference.</summary>
    /// <param name="tokens">The most tokens of a batch.</param>
    /// <param name="sentences">The most sentences of a batch.</param>
    public SentenceNetwork PlanInference(int tokens, int sentences) =>
        PlanNetwork(Math.Max(tokens, Description.MaxSequenceLength), sentences, backward: false, default, Tensor.None);

    /// <summary>Plans the network for its largest batch.</summary>
    /// <param name="tokens">The most tokens of a batch.</param>
    /// <param name="sentences">The most sentences of a batch.</param>
    /// <param name="backward">Whether backward passes will be run.</param>
    /// <param name="dropout">Dropout in training passes.</param>
    /// <param name="dropoutState">See <see cref="Dropout.State"/>; needed when a probability is above 0.</param>
    public SentenceNetwork PlanNetwork(int tokens, int sentences, bool backward, DropoutRates dropout, Tensor dropoutState)
    {
        TransformerConfiguration transformer = Description.Transformer;
        StepLimits limits = new(
            tokens, sentences, Description.MaxSequenceLength, transformer.HiddenSize, transformer.IntermediateSize, transformer.NumAttentionHeads,
            Math.Max(Description.PoolingDimension, Description.EmbeddingDimension), backward);
        Kernels.Plan(limits);
        BufferPlan plan = new(Kernels, limits);
        TransformerNetwork network = new(transformer, _parameters.Transformer, Parameters, plan, dropout, dropoutState);
        Variable output = Embedding(plan, "pooled", Description.PoolingDimension);
        List<NetworkModule> modules = [new(new LayerName("pooling"), new PoolingLayer(Description.Pooling, output).Forward)];
        for (int i = 0; i < Description.Modules.Count; i++)
        {
            modules.Add(PlanModule(plan, i, ref output));
        }

        return new SentenceNetwork(new Pass(Kernels), plan, network.Forward, modules, output)
        {
            Dimension = Description.EmbeddingDimension,
            FirstPosition = FirstPosition,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _parameters.Dispose();

    private static Variable Embedding(BufferPlan plan, string name, int width) =>
        new(plan.SavedFloats(name, plan.Limits.Sentences, width), plan.FloatGradient(name, plan.Limits.Sentences, width));

    private static void CheckVocabulary(EncoderDescription description, WordPieceTokenizer tokenizer, string where)
    {
        if (tokenizer.VocabularySize > description.Transformer.VocabSize)
        {
            throw new InputException(
                $"{where}: the tokenizer knows {tokenizer.VocabularySize} tokens, but the network has embeddings for vocab_size {description.Transformer.VocabSize}");
        }
    }

    private ModelWriter Writer(ModelCard card) => new(
        Description,
        _parameters.TransformerWeights(),
        [.. Description.Modules.Select((_, module) => _parameters.ModuleWeights(module))],
        folder => Tokenizer.Save(folder, Description.MaxSequenceLength),
        card.ToMarkdown(Description));

    private NetworkModule PlanModule(BufferPlan plan, int index, ref Variable output)
    {
        int width = output.Columns;
        switch (Description.Modules[index])
        {
            case DenseDescription dense:
                output = Embedding(plan, $"module {index}", dense.OutFeatures);
                Tensor preactivation = plan.BackwardOnlyFloats(plan.Limits.Sentences, dense.OutFeatures);
                return new(new LayerName("dense", index), new LinearActivationLayer(_parameters.Module(index), dense.Activation, preactivation, output).Forward);
            case NormalizeDescription:
                output = Embedding(plan, $"module {index}", width);
                return new(new LayerName("normalize", index), new NormalizeLayer(plan, output).Forward);
            default:
                ModuleDescription other = Description.Modules[index];
                throw new NotSupportedException($"no layer for {other.GetType().Name}");
        }
    }
}
