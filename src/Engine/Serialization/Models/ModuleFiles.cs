using System.Text.Json.Nodes;
using MnrEngine.Kernels;

namespace MnrEngine.Serialization;

/// <summary>Reads what lies in the folders of the modules after the network, and config_sentence_transformers.json.</summary>
internal static class ModuleFiles
{
    public const string EncoderSettings = "config_sentence_transformers.json";

    /// <summary>The modes in the order of the enumeration: the name in today's files, and the flag in those before 5.4.</summary>
    public static readonly (PoolingModes Mode, string Name, string LegacyKey)[] PoolingNames =
    [
        (PoolingModes.Cls, "cls", "pooling_mode_cls_token"),
        (PoolingModes.Max, "max", "pooling_mode_max_tokens"),
        (PoolingModes.Mean, "mean", "pooling_mode_mean_tokens"),
        (PoolingModes.MeanSqrtLength, "mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens"),
        (PoolingModes.WeightedMean, "weightedmean", "pooling_mode_weightedmean_tokens"),
        (PoolingModes.LastToken, "lasttoken", "pooling_mode_lasttoken"),
    ];

    /// <summary>torch's classes for the activations that a Dense module can have.</summary>
    public static readonly (Activation Activation, string TorchClass)[] DenseActivations =
    [
        (Activation.Identity, "torch.nn.modules.linear.Identity"),
        (Activation.Gelu, "torch.nn.modules.activation.GELU"),
        (Activation.Relu, "torch.nn.modules.activation.ReLU"),
        (Activation.Tanh, "torch.nn.modules.activation.Tanh"),
        (Activation.Sigmoid, "torch.nn.modules.activation.Sigmoid"),
    ];

    private static readonly string[] SimilarityFunctions = ["cosine", "dot", "euclidean", "manhattan"];

    public static EncoderDescription ReadPooling(string folder, EncoderDescription description)
    {
        JsonFields fields = ReadConfiguration(folder);
        int hidden = description.Transformer.HiddenSize;
        foreach (string key in (string[])["embedding_dimension", "word_embedding_dimension"])
        {
            if (fields.Has(key) && fields.RequiredInteger(key, 1) != hidden)
            {
                throw fields.Wrong(key, $"the network's hidden_size, {hidden},");
            }
        }

        return description with
        {
            Pooling = fields.Has("pooling_mode") ? ReadPoolingMode(fields) : ReadLegacyPoolingMode(fields),
            IncludePrompt = fields.Flag("include_prompt", true),
        };
    }

    public static DenseDescription ReadDense(string folder, int width)
    {
        JsonFields fields = ReadConfiguration(folder);
        RequireSentenceEmbedding(fields);
        if (fields.Flag("use_residual", false))
        {
            throw fields.Wrong("use_residual", "false, the only kind of Dense module that is supported,");
        }

        int inputs = fields.RequiredInteger("in_features", 1);
        if (inputs != width)
        {
            throw fields.Wrong("in_features", $"{width}, the width that the modules before it give,");
        }

        int outputs = fields.RequiredInteger("out_features", 1);
        if ((long)inputs * outputs > Array.MaxLength)
        {
            throw new InputException($"in_features {inputs} times out_features {outputs} in {fields.Where} makes a weight of more than {Array.MaxLength} numbers");
        }

        return new DenseDescription(inputs, outputs, fields.Flag("bias", true), ReadActivation(fields));
    }

    public static NormalizeDescription ReadNormalize(string folder)
    {
        if (TransformerFiles.ReadOptional(Path.Combine(folder, "config.json")) is JsonFields fields)
        {
            RequireSentenceEmbedding(fields);
        }

        return new NormalizeDescription();
    }

    public static EncoderDescription ReadEncoderSettings(string folder, EncoderDescription description)
    {
        if (TransformerFiles.ReadOptional(Path.Combine(folder, EncoderSettings)) is not JsonFields fields)
        {
            return description;
        }

        if (fields.Text("model_type") is string type && type != "SentenceTransformer")
        {
            throw fields.Wrong("model_type", "\"SentenceTransformer\"");
        }

        string similarity = fields.Text("similarity_fn_name") ?? "cosine";
        if (!SimilarityFunctions.Contains(similarity))
        {
            throw fields.Wrong("similarity_fn_name", $"one of {string.Join(", ", SimilarityFunctions)}");
        }

        Dictionary<string, string> prompts = ReadPrompts(fields);
        string? defaultPrompt = fields.Text("default_prompt_name");
        if (defaultPrompt is not null && !prompts.ContainsKey(defaultPrompt))
        {
            throw fields.Wrong("default_prompt_name", prompts.Count == 0 ? "null, as there are no prompts," : $"one of the prompts {string.Join(", ", prompts.Keys)}");
        }

        return description with
        {
            SimilarityFunction = similarity,
            Prompts = prompts,
            DefaultPromptName = defaultPrompt,
            TruncateDimension = fields.Has("truncate_dim") ? fields.RequiredInteger("truncate_dim", 1) : null,
        };
    }

    private static JsonFields ReadConfiguration(string folder)
    {
        string path = Path.Combine(folder, "config.json");
        return new JsonFields(JsonFile.ReadObject(path), path);
    }

    private static PoolingModes ReadPoolingMode(JsonFields fields)
    {
        JsonNode[] names = fields.Source["pooling_mode"] is JsonArray several ? [.. several.OfType<JsonNode>()] : [fields.Source["pooling_mode"]!];
        PoolingModes modes = PoolingModes.None;
        foreach (JsonNode name in names)
        {
            PoolingModes mode = PoolingNames.FirstOrDefault(known => JsonNode.DeepEquals(name, known.Name)).Mode;
            if (mode <= modes)
            {
                throw fields.Wrong("pooling_mode", $"one or several, in this order, of {string.Join(", ", PoolingNames.Select(known => known.Name))}");
            }

            modes |= mode;
        }

        return modes != PoolingModes.None ? modes : throw fields.Wrong("pooling_mode", "a pooling mode");
    }

    /// <summary>Files that name no mode at all mean the mean.</summary>
    private static PoolingModes ReadLegacyPoolingMode(JsonFields fields)
    {
        PoolingModes modes = PoolingModes.None;
        foreach ((PoolingModes mode, _, string key) in PoolingNames)
        {
            modes |= fields.Flag(key, false) ? mode : PoolingModes.None;
        }

        return modes == PoolingModes.None ? PoolingModes.Mean : modes;
    }

    private static Activation ReadActivation(JsonFields fields)
    {
        string name = fields.Text("activation_function") ?? "torch.nn.modules.activation.Tanh";
        foreach ((Activation activation, string torchClass) in DenseActivations)
        {
            if (torchClass == name)
            {
                return activation;
            }
        }

        throw fields.Wrong("activation_function", $"one of {string.Join(", ", DenseActivations.Select(known => known.TorchClass))}");
    }

    private static void RequireSentenceEmbedding(JsonFields fields)
    {
        foreach (string key in (string[])["module_input_name", "module_output_name"])
        {
            if (fields.Text(key) is string name && name != "sentence_embedding")
            {
                throw fields.Wrong(key, "\"sentence_embedding\"");
            }
        }
    }

    private static Dictionary<string, string> ReadPrompts(JsonFields fields)
    {
        Dictionary<string, string> prompts = [];
        if (fields.Object("prompts") is JsonObject source)
        {
            JsonFields texts = new(source, $"prompts of {fields.Where}");
            foreach ((string name, JsonNode? text) in source)
            {
                if (text is not null)
                {
                    prompts[name] = texts.Text(name)!;
                }
            }
        }

        return prompts;
    }
}
