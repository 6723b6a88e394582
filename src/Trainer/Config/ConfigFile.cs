using System.Text.Json;
using System.Text.Json.Nodes;

namespace MnrEngine.Trainer.Config;

/// <summary>From a config file to a config with every default filled in.</summary>
internal static class ConfigFile
{
    /// <summary>Reads a config.</summary>
    /// <param name="file">The config file.</param>
    /// <param name="settings">What --set gives, in order.</param>
    /// <exception cref="InputException">The file or a setting is wrong; the message names the place.</exception>
    public static TrainingConfig Load(string file, IEnumerable<string> settings)
    {
        ConfigTree tree = ConfigReader.Read(file);
        ConfigChecker checker = new(new SchemaNode(ConfigSchema.Load()));
        checker.Expand(tree);
        foreach (string setting in settings)
        {
            ConfigOverride.Parse(setting).Apply(tree);
            checker.Expand(tree);
        }

        checker.Check(tree);
        checker.ResolvePaths(tree);
        JsonObject resolved = RecipeDefaults.Of((string?)tree.Root["recipe"] ?? "trainer");
        RecipeDefaults.Overlay(resolved, tree.Root);
        resolved["loss"] = LossRules.Filled(resolved["loss"]!.AsObject());
        TrainingConfig config = resolved.Deserialize(TrainingConfigJson.Default.TrainingConfig)!;
        ConfigRules.Check(tree, config);
        return config with { MaxSeqLengthIsTheRecipes = tree.Root["model"]?["max_seq_length"] is null };
    }

    /// <summary>A config as it can be read again, with every default written out.</summary>
    /// <param name="config">The config.</param>
    /// <param name="folder">The folder that the text will be a file in: paths are written as they are seen from there.</param>
    public static string Text(TrainingConfig config, string folder)
    {
        ConfigTree tree = new("") { Root = JsonSerializer.SerializeToNode(config with { Schema = null }, TrainingConfigJson.Default.TrainingConfig)!.AsObject() };
        new ConfigChecker(new SchemaNode(ConfigSchema.Load())).SeePathsFrom(folder, tree);
        return tree.Root.ToJsonString(TrainingConfigJson.Default.Options) + "\n";
    }
}
