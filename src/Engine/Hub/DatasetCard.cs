using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace MnrEngine.Hub;

/// <summary>A subset of a data set as its README.md describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsDefault">Whether it is marked as the one to take when none is named.</param>
/// <param name="Folder">Where its files are, or an empty text for the root.</param>
/// <param name="Splits">The patterns of each split's files, or null when they follow from the files' names.</param>
internal sealed record DatasetSubset(string Name, bool IsDefault, string Folder, IReadOnlyList<DatasetSplit>? Splits);

/// <summary>A split of a data set.</summary>
/// <param name="Name">Its name, such as train.</param>
/// <param name="Patterns">Which files it has.</param>
internal sealed record DatasetSplit(string Name, IReadOnlyList<string> Patterns)
{
    /// <summary>The split when none is named.</summary>
    public const string Default = "train";
}

/// <summary>Reads what a data set's README.md says of its subsets: the list <c>configs</c> in the YAML between the lines of three hyphens at its top.</summary>
internal static class DatasetCard
{
    private const string Fence = "---";

    /// <summary>Reads a card.</summary>
    /// <param name="text">The README.md.</param>
    /// <param name="where">What it is, for a sentence.</param>
    /// <returns>The subsets; none when the card doesn't list any.</returns>
    /// <exception cref="InputException">The YAML is malformed, or its list of subsets is.</exception>
    public static IReadOnlyList<DatasetSubset> Read(string text, string where)
    {
        string[] lines = text.TrimStart('\uFEFF').ReplaceLineEndings("\n").Split('\n');
        int end = lines.Length > 0 && lines[0] == Fence ? Array.IndexOf(lines, Fence, 1) : -1;
        if (end < 0)
        {
            return [];
        }

        YamlStream yaml = [];
        try
        {
            // References to other places (aliases) let a few bytes mean gigabytes, and no card needs them.
            Parser parser = new(new StringReader(string.Join('\n', lines[1..end])));
            yaml.Load(new WithoutAliases(parser));
        }
        catch (Exception error) when (error is YamlException or ArgumentException)
        {
            throw new InputException($"the YAML at the top of {where} can't be read: {error.Message.ReplaceLineEndings(" ")}", error);
        }

        return yaml.Documents.Count > 0 && yaml.Documents[0].RootNode is YamlMappingNode card && Find(card, "configs") is YamlNode list
            ? [.. (list as YamlSequenceNode ?? throw Wrong(where)).Select(node => ReadSubset(node as YamlMappingNode ?? throw Wrong(where), where))]
            : [];
    }

    private static DatasetSubset ReadSubset(YamlMappingNode subset, string where) => new(
        Text(Find(subset, "config_name")) ?? throw Wrong(where),
        Text(Find(subset, "default"))?.ToUpperInvariant() == "TRUE",
        (Text(Find(subset, "data_dir")) ?? "").Trim('/'),
        Find(subset, "data_files") is YamlNode files ? ReadSplits(files, where) : null);

    /// <summary>A pattern, a list of patterns (both for train), or a list of splits with a pattern or several each.</summary>
    private static IReadOnlyList<DatasetSplit> ReadSplits(YamlNode files, string where)
    {
        if (files is YamlSequenceNode list && list.Any(static item => item is YamlMappingNode))
        {
            DatasetSplit[] splits = [.. list.Select(item => new DatasetSplit(
                Text(Find(item as YamlMappingNode ?? throw Wrong(where), "split")) ?? throw Wrong(where),
                Patterns(Find((YamlMappingNode)item, "path") ?? throw Wrong(where), where)))];
            return splits.DistinctBy(static split => split.Name).Count() == splits.Length ? splits : throw Wrong(where);
        }

        return [new DatasetSplit(DatasetSplit.Default, Patterns(files, where))];
    }

    private static IReadOnlyList<string> Patterns(YamlNode node, string where) =>
        node is YamlSequenceNode several ? [.. several.Select(item => Text(item) ?? throw Wrong(where))] : [Text(node) ?? throw Wrong(where)];

    private static YamlNode? Find(YamlMappingNode mapping, string key) =>
        mapping.Children.FirstOrDefault(pair => pair.Key is YamlScalarNode name && name.Value == key).Value;

    private static string? Text(YamlNode? node) => node is YamlScalarNode { Value: { Length: > 0 } text } ? text : null;

    private static InputException Wrong(string where) => new($"configs in the YAML at the top of {where} is not a list of subsets, each with a config_name and data_files: a pattern, several, or a split and a path each");

    private sealed class WithoutAliases(IParser parser) : IParser
    {
        public ParsingEvent? Current => parser.Current;

        public bool MoveNext() => parser.MoveNext() && (parser.Current is AnchorAlias ? throw new YamlException("aliases are not supported") : true);
    }
}
