using System.Text.Json.Nodes;
using MnrEngine.Kernels;

namespace MnrEngine.Serialization;

/// <summary>
/// Which folder is which part of a model. With a modules.json the first module is the transformer, the second the pooling, and the
/// others follow in any order; a folder without one is a bare transformer, which sentence-transformers gives mean pooling.
/// </summary>
/// <param name="TransformerFolder">Holds config.json, the network's weights and the tokenizer.</param>
/// <param name="ModuleFolders">One folder for each of the description's modules; a Normalize module's need not exist.</param>
/// <param name="Description">What the files say.</param>
internal sealed record ModelLayout(string TransformerFolder, IReadOnlyList<string> ModuleFolders, EncoderDescription Description)
{
    public static ModelLayout Read(string folder)
    {
        string list = Path.Combine(folder, "modules.json");
        if (!File.Exists(list))
        {
            string configuration = Path.Combine(folder, "config.json");
            return File.Exists(configuration)
                ? new ModelLayout(folder, [], TransformerFiles.Read(folder))
                : throw new InputException($"{folder} holds no model: neither modules.json nor config.json is there");
        }

        List<(string Kind, string Folder)> modules = ReadList(list, folder);
        if (modules.Count < 2 || modules[0].Kind != "Transformer" || modules[1].Kind != "Pooling")
        {
            throw new InputException($"{list} lists the modules {string.Join(", ", modules.Select(module => module.Kind))} where Transformer, Pooling and then any Dense and Normalize are expected");
        }

        EncoderDescription description = TransformerFiles.Read(modules[0].Folder);
        description = ModuleFiles.ReadPooling(modules[1].Folder, description);
        List<ModuleDescription> rest = [];
        int width = description.PoolingDimension;
        foreach ((string kind, string path) in modules.Skip(2))
        {
            ModuleDescription module = kind switch
            {
                "Dense" => ModuleFiles.ReadDense(path, width),
                "Normalize" => ModuleFiles.ReadNormalize(path),
                _ => throw new InputException($"{list} lists a second {kind} module, which is not supported"),
            };
            width = (module as DenseDescription)?.OutFeatures ?? width;
            rest.Add(module);
        }

        description = ModuleFiles.ReadEncoderSettings(folder, description with { Modules = rest });
        return new ModelLayout(modules[0].Folder, [.. modules.Skip(2).Select(module => module.Folder)], description);
    }

    /// <summary>The kind and folder of each module that a modules.json lists.</summary>
    /// <param name="list">The file.</param>
    /// <param name="folder">The model's folder, which the modules' are in.</param>
    /// <exception cref="InputException">The file is malformed, or lists a module of an unknown kind or outside the folder.</exception>
    public static List<(string Kind, string Folder)> ReadList(string list, string folder)
    {
        List<(string, string)> modules = [];
        foreach (JsonNode? item in JsonFile.ReadArray(list))
        {
            string where = $"module {modules.Count} of {list}";
            JsonFields fields = new(item as JsonObject ?? throw new InputException($"{where} is not a JSON object"), where);
            fields.Require("type");
            modules.Add((Kind(fields), Folder(fields, folder)));
        }

        return modules;
    }

    /// <summary>
    /// A module's class has moved between packages of sentence_transformers; its name has not, except for the transformer, which
    /// was called BERT before version 0.4.
    /// </summary>
    private static string Kind(JsonFields fields)
    {
        string type = fields.Text("type")!;
        string name = type[(type.LastIndexOf('.') + 1)..];
        bool known = type.StartsWith("sentence_transformers.", StringComparison.Ordinal)
            && name is "Transformer" or "BERT" or "Pooling" or "Dense" or "Normalize";
        return !known ? throw fields.Wrong("type", "sentence-transformers' Transformer, Pooling, Dense or Normalize")
            : name == "BERT" ? "Transformer" : name;
    }

    private static string Folder(JsonFields fields, string folder)
    {
        string path = fields.Text("path") ?? "";
        return !Path.IsPathRooted(path) && !path.Split('/', '\\').Contains("..") ? Path.Combine(folder, path)
            : throw fields.Wrong("path", "a folder inside the model's");
    }
}
