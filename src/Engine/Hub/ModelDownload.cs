using System.Text.Json;
using System.Text.Json.Nodes;
using MnrEngine.Serialization;
using MnrEngine.Text;

namespace MnrEngine.Hub;

/// <summary>
/// Fetches of a model what loading it needs, which is mostly a small part: the descriptions first, so that a model of an unsupported kind is refused
/// before its weights are fetched, and of the weights one form.
/// </summary>
internal static class ModelDownload
{
    private const string Modules = "modules.json";
    private const string Configuration = "config.json";

    private static readonly string[] OfTheTokenizer = [TokenizerFolder.ConfigurationName, TokenizerFolder.SpecialTokensName, TokenizerFolder.AddedTokensName, TokenizerJson.Name];

    /// <summary>Fetches a model.</summary>
    /// <exception cref="HubException">A file can't be had.</exception>
    /// <exception cref="InputException">The repository holds no model that can be loaded.</exception>
    public static void Fetch(HubSnapshot snapshot)
    {
        IReadOnlyList<string> folders = Folders(snapshot);
        FetchThoseThere(snapshot, [Inside(folders[0], Configuration), Inside(folders[0], TransformerFiles.EncoderConfiguration)]);
        FetchTokenizer(snapshot, folders[0]);
        FetchThoseThere(snapshot, folders.Skip(1).Select(static folder => Inside(folder, Configuration)));
        ModelLayout layout = ModelLayout.Read(snapshot.Folder);
        FetchWeights(snapshot, folders[0], required: true);
        foreach ((string folder, ModuleDescription module) in folders.Skip(2).Zip(layout.Description.Modules))
        {
            FetchWeights(snapshot, folder, required: module is DenseDescription);
        }
    }

    /// <summary>Fetches a model's tokenizer.</summary>
    /// <returns>The folder that it is in, which is the network's.</returns>
    /// <exception cref="HubException">A file can't be had.</exception>
    /// <exception cref="InputException">The repository holds no model.</exception>
    public static string FetchTokenizer(HubSnapshot snapshot)
    {
        string folder = Folders(snapshot)[0];
        FetchTokenizer(snapshot, folder);
        return Path.Combine(snapshot.Folder, folder);
    }

    private static void FetchTokenizer(HubSnapshot snapshot, string folder)
    {
        FetchThoseThere(snapshot, OfTheTokenizer.Select(name => Inside(folder, name)));
        if (!snapshot.Listing.Files.ContainsKey(Inside(folder, TokenizerJson.Name)))
        {
            // Only where there is no tokenizer.json is the vocabulary looked for in a file of its own.
            FetchThoseThere(snapshot, [Inside(folder, VocabularyFile.Name)]);
        }
    }

    /// <summary>The folders of the model's modules in the repository, the network's first; without modules.json, the root alone.</summary>
    private static IReadOnlyList<string> Folders(HubSnapshot snapshot)
    {
        if (!snapshot.Listing.Files.ContainsKey(Modules))
        {
            return snapshot.Listing.Files.ContainsKey(Configuration) ? [""]
                : throw new InputException($"{snapshot.Name} holds no model: neither {Modules} nor {Configuration} is there");
        }

        string list = snapshot.Fetch(Modules);
        FetchThoseThere(snapshot, [ModuleFiles.EncoderSettings]);
        string[] folders = [.. ModelLayout.ReadList(list, "").Select(static module => module.Folder.Replace('\\', '/').Trim('/'))];
        return folders.Length > 0 ? folders : [""];
    }

    private static void FetchWeights(HubSnapshot snapshot, string folder, bool required)
    {
        string? name = WeightFiles.Names.FirstOrDefault(name => snapshot.Listing.Files.ContainsKey(Inside(folder, name)));
        if (name is null)
        {
            if (required)
            {
                throw new InputException($"{snapshot.Name} holds no weights that can be read{(folder.Length == 0 ? "" : $" in {folder}")}: none of {string.Join(", ", WeightFiles.Names)} is there");
            }

            return;
        }

        string file = snapshot.Fetch(Inside(folder, name));
        if (name.EndsWith(".index.json", StringComparison.Ordinal))
        {
            foreach (string shard in Shards(file))
            {
                string path = Inside(folder, shard);
                snapshot.Fetch(snapshot.Listing.Files.ContainsKey(path) ? path : throw new InputException($"{snapshot.Name} has no file {path}, but {name} says that weights are there"));
            }
        }
    }

    /// <summary>The files that an index names. What is wrong with one is left to the loader, which says it.</summary>
    private static IEnumerable<string> Shards(string index) =>
        (JsonFile.ReadObject(index)["weight_map"] as JsonObject ?? [])
            .Where(static pair => pair.Value?.GetValueKind() == JsonValueKind.String)
            .Select(static pair => pair.Value!.GetValue<string>())
            .Where(HubRepository.IsSafePath)
            .Distinct()
            .Order(StringComparer.Ordinal);

    private static void FetchThoseThere(HubSnapshot snapshot, IEnumerable<string> paths)
    {
        foreach (string path in paths.Where(snapshot.Listing.Files.ContainsKey))
        {
            snapshot.Fetch(path);
        }
    }

    private static string Inside(string folder, string name) => folder.Length == 0 ? name : $"{folder}/{name}";
}
