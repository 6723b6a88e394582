using System.Text.Json;
using System.Text.Json.Nodes;
using MnrEngine.Kernels;

namespace MnrEngine.Serialization;

/// <summary>
/// Writes a sentence encoder so that sentence-transformers 2.0 to 6 and transformers' from_pretrained load it. Where the versions
/// differ, the oldest layout is written: later versions read it, the reverse is not true.
/// </summary>
public sealed class ModelWriter
{
    private readonly EncoderDescription _description;
    private readonly IReadOnlyList<NamedWeight> _transformer;
    private readonly IReadOnlyList<IReadOnlyList<NamedWeight>> _modules;
    private readonly Action<string> _writeTokenizer;
    private readonly string _card;

    /// <summary>Prepares a model for writing.</summary>
    /// <param name="description">What it consists of.</param>
    /// <param name="transformer">The network's weights: those of <see cref="TransformerWeightNames.Names"/> and, or not, those of <see cref="TransformerWeightNames.Pooler"/>.</param>
    /// <param name="modules">The weights of each of the description's modules; empty for one that has none.</param>
    /// <param name="writeTokenizer">Writes the tokenizer's files into a folder; its model_max_length is to be the description's maximum length.</param>
    /// <param name="card">The content of README.md, such as a <see cref="ModelCard"/> gives.</param>
    /// <exception cref="ArgumentException">The weights are not those of the description.</exception>
    public ModelWriter(
        EncoderDescription description,
        IReadOnlyList<NamedWeight> transformer,
        IReadOnlyList<IReadOnlyList<NamedWeight>> modules,
        Action<string> writeTokenizer,
        string card)
    {
        _description = description;
        _transformer = Order([.. TransformerWeightNames.Names(description.Transformer)], transformer, TransformerWeightNames.Pooler(description.Transformer));
        _modules = [.. description.Modules.Zip(modules, (module, weights) => Order((module as DenseDescription)?.Weights ?? [], weights, []))];
        _writeTokenizer = writeTokenizer;
        _card = card;
        if (modules.Count != description.Modules.Count)
        {
            throw new ArgumentException($"weights of {modules.Count} modules are given where the encoder has {description.Modules.Count}", nameof(modules));
        }
    }

    /// <summary>Replaces a folder by the model; if that is interrupted, what was there stays whole. See <see cref="AtomicFolder"/>.</summary>
    /// <exception cref="InputException">The folder can't be written.</exception>
    public void Save(string folder) => AtomicFolder.Replace(folder, WriteTo);

    /// <summary>Writes the model's files into a folder that is there, such as one that is being filled with other things too.</summary>
    public void WriteTo(string folder)
    {
        _writeTokenizer(folder);
        Write(Path.Combine(folder, "config.json"), _description.Transformer.ToSavedJson());
        WriteSafetensors(folder, _transformer);
        Write(Path.Combine(folder, TransformerFiles.EncoderConfiguration), new JsonObject
        {
            ["max_seq_length"] = _description.MaxSequenceLength,
            ["do_lower_case"] = _description.LowerCase,
        });
        Write(Path.Combine(folder, ModuleFiles.EncoderSettings), EncoderSettings());

        JsonArray list = new((JsonNode)ModuleEntry(0, "Transformer", ""));
        WriteModule(list, "Pooling", folder, Pooling());
        foreach ((ModuleDescription module, IReadOnlyList<NamedWeight> weights) in _description.Modules.Zip(_modules))
        {
            if (module is DenseDescription dense)
            {
                string path = WriteModule(list, "Dense", folder, Dense(dense));
                WriteSafetensors(path, weights);
                using FileStream file = File.Create(Path.Combine(path, "pytorch_model.bin"));
                TorchWriter.Write(file, weights);
            }
            else
            {
                WriteModule(list, "Normalize", folder, configuration: null);
            }
        }

        Write(Path.Combine(folder, "modules.json"), list);
        File.WriteAllText(Path.Combine(folder, "README.md"), _card);
    }

    /// <summary>The weights in the order of the names, so that a file does not depend on who asked for it.</summary>
    private static List<NamedWeight> Order(IReadOnlyList<WeightName> required, IReadOnlyList<NamedWeight> weights, IReadOnlyList<WeightName> optional)
    {
        Dictionary<string, NamedWeight> byName = weights.ToDictionary(weight => weight.Name);
        List<NamedWeight> ordered = [];
        foreach (WeightName name in (IEnumerable<WeightName>)[.. required, .. optional.Where(name => byName.ContainsKey(name.Name))])
        {
            if (!byName.Remove(name.Name, out NamedWeight? weight) || !weight.Shape.SequenceEqual(name.Shape))
            {
                throw new ArgumentException($"weight {name.Name} of shape {WeightShape.Text(name.Shape)} is not given", nameof(weights));
            }

            ordered.Add(weight);
        }

        return byName.Count == 0 ? ordered : throw new ArgumentException($"weight {byName.Keys.First()} is not one of the model", nameof(weights));
    }

    private static void WriteSafetensors(string folder, IReadOnlyList<NamedWeight> weights)
    {
        SafetensorsWriter writer = new();
        foreach (NamedWeight weight in weights)
        {
            writer.Add(weight);
        }

        using FileStream file = File.Create(Path.Combine(folder, "model.safetensors"));
        writer.WriteTo(file);
    }

    /// <summary>Makes a module's folder and lists it; a Normalize module's stays empty.</summary>
    private static string WriteModule(JsonArray list, string kind, string folder, JsonObject? configuration)
    {
        string name = $"{list.Count}_{kind}";
        string path = Path.Combine(folder, name);
        Directory.CreateDirectory(path);
        if (configuration is not null)
        {
            Write(Path.Combine(path, "config.json"), configuration);
        }

        list.Add((JsonNode)ModuleEntry(list.Count, kind, name));
        return path;
    }

    private static JsonObject ModuleEntry(int index, string kind, string path) => new()
    {
        ["idx"] = index,
        ["name"] = $"{index}",
        ["path"] = path,
        ["type"] = $"sentence_transformers.models.{kind}",
    };

    private static JsonObject Dense(DenseDescription dense) => new()
    {
        ["in_features"] = dense.InFeatures,
        ["out_features"] = dense.OutFeatures,
        ["bias"] = dense.Bias,
        ["activation_function"] = ModuleFiles.DenseActivations.Single(known => known.Activation == dense.Activation).TorchClass,
    };

    /// <summary>Old versions of sentence-transformers open JSON in the machine's encoding: everything beyond ASCII is escaped.</summary>
    private static void Write(string path, JsonNode json)
    {
        using FileStream file = File.Create(path);
        using Utf8JsonWriter writer = new(file, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        json.WriteTo(writer);
    }

    /// <summary>
    /// The four flags that version 2.0 knows, and of the later settings only those that are not as usual: a Pooling module gets its
    /// settings as arguments, and one that a version does not know is an error there.
    /// </summary>
    private JsonObject Pooling()
    {
        JsonObject pooling = new() { ["word_embedding_dimension"] = _description.Transformer.HiddenSize };
        foreach ((PoolingModes mode, _, string key) in ModuleFiles.PoolingNames)
        {
            bool used = _description.Pooling.HasFlag(mode);
            if (used || mode <= PoolingModes.MeanSqrtLength)
            {
                pooling[key] = used;
            }
        }

        if (!_description.IncludePrompt)
        {
            pooling["include_prompt"] = false;
        }

        return pooling;
    }

    /// <summary>
    /// The version is that of the layout. A version of sentence-transformers older than the one named here warns, and none is older.
    /// </summary>
    private JsonObject EncoderSettings()
    {
        JsonObject prompts = [];
        foreach ((string name, string text) in _description.Prompts)
        {
            prompts[name] = text;
        }

        JsonObject settings = new()
        {
            ["__version__"] = new JsonObject
            {
                ["mnr_engine"] = EngineVersion.Text,
                ["sentence_transformers"] = "2.0.0",
            },
            ["default_prompt_name"] = _description.DefaultPromptName,
            ["model_type"] = "SentenceTransformer",
            ["prompts"] = prompts,
            ["similarity_fn_name"] = _description.SimilarityFunction,
        };
        if (_description.TruncateDimension is int dimension)
        {
            settings["truncate_dim"] = dimension;
        }

        return settings;
    }
}
