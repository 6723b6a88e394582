using System.Text.Json;
using System.Text.Json.Nodes;
using MnrEngine.Kernels;
using MnrEngine.Models;
using MnrEngine.Serialization;
using MnrEngine.Text;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Runs;

/// <summary>Makes the model with random weights that a config describes.</summary>
internal static class NewEncoder
{
    private const string Where = "model.new";

    // What the config says of the tokenizer and the weights instead of the network.
    private static readonly string[] OtherKeys = ["model_type", "vocabulary", "lowercase", "seed"];

    /// <summary>Makes it.</summary>
    /// <param name="run">The config, with the model.</param>
    /// <param name="shape">Its network and tokenizer.</param>
    /// <param name="seed">The seed of the weights.</param>
    /// <param name="kernels">The device.</param>
    /// <exception cref="InputException">The vocabulary is wrong, or the numbers don't fit together.</exception>
    public static SentenceEncoder Create(TrainingConfig run, NewModelConfig shape, long seed, IKernels kernels)
    {
        ModelConfig config = run.Model;
        TransformerArchitecture architecture = Architecture(shape.ModelType ?? ModelType.Bert);
        WordPieceTokenizer tokenizer = Tokenizer(architecture, shape);
        TransformerConfiguration transformer = TransformerConfiguration.Read(Keys(architecture, shape, tokenizer), Where);
        int maxLength = config.MaxSeqLength ?? transformer.LongestSentence;
        run.CheckLength(transformer.LongestSentence, $"the new model has only {transformer.LongestSentence} positions ({Where}.max_position_embeddings)");

        EncoderDescription description = new()
        {
            Transformer = transformer,
            MaxSequenceLength = maxLength,
            Pooling = (config.Pooling ?? [PoolingMode.Mean]).Aggregate(PoolingModes.None, static (modes, mode) => modes | Mode(mode)),
            Modules = config.Normalize == true ? [new NormalizeDescription()] : [],
        };
        return SentenceEncoder.Create(description, tokenizer, kernels, seed);
    }

    private static WordPieceTokenizer Tokenizer(TransformerArchitecture architecture, NewModelConfig shape)
    {
        bool lowercase = shape.Lowercase ?? true;
        return architecture == TransformerArchitecture.Mpnet ? WordPieceTokenizer.ForMpnet(shape.Vocabulary, TokenizerOptions.Mpnet with { Lowercase = lowercase })
            : architecture == TransformerArchitecture.DistilBert ? WordPieceTokenizer.FromVocabulary(shape.Vocabulary, TokenizerOptions.DistilBert with { Lowercase = lowercase })
            : WordPieceTokenizer.FromVocabulary(shape.Vocabulary, TokenizerOptions.Bert with { Lowercase = lowercase });
    }

    /// <summary>The network's config.json, whose keys have other names in some architectures.</summary>
    private static JsonObject Keys(TransformerArchitecture architecture, NewModelConfig shape, WordPieceTokenizer tokenizer)
    {
        JsonObject keys = new()
        {
            ["model_type"] = architecture.ModelType,
            ["vocab_size"] = tokenizer.VocabularySize,
            ["pad_token_id"] = tokenizer.PaddingId,
        };
        foreach ((string key, JsonNode? value) in JsonSerializer.SerializeToNode(shape, TrainingConfigJson.Default.NewModelConfig)!.AsObject())
        {
            if (value is null || OtherKeys.Contains(key))
            {
                continue;
            }

            keys[architecture.KeyOf(key)] = architecture.HasKey(key) ? value.DeepClone()
                : throw new InputException($"{Where}.{key} is given, but {architecture} has no such setting");
        }

        return keys;
    }

    private static TransformerArchitecture Architecture(ModelType type) => type switch
    {
        ModelType.Bert => TransformerArchitecture.Bert,
        ModelType.Mpnet => TransformerArchitecture.Mpnet,
        ModelType.DistilBert => TransformerArchitecture.DistilBert,
        _ => throw new InvalidOperationException($"no architecture {type}"),
    };

    private static PoolingModes Mode(PoolingMode mode) => mode switch
    {
        PoolingMode.Cls => PoolingModes.Cls,
        PoolingMode.Max => PoolingModes.Max,
        PoolingMode.Mean => PoolingModes.Mean,
        PoolingMode.MeanSqrtLength => PoolingModes.MeanSqrtLength,
        PoolingMode.WeightedMean => PoolingModes.WeightedMean,
        PoolingMode.LastToken => PoolingModes.LastToken,
        _ => throw new InvalidOperationException($"no pooling {mode}"),
    };
}
