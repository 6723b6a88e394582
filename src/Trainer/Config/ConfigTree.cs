using System.Text.Json.Nodes;

namespace MnrEngine.Trainer.Config;

/// <summary>A config as JSON, with the place where each value was written, for errors and for relative paths.</summary>
internal sealed class ConfigTree
{
    private readonly Dictionary<string, int> _lines = [];
    private readonly Dictionary<string, string> _settings = [];

    public ConfigTree(string file)
    {
        File = file;
    }

    /// <summary>The config file, as the user named it.</summary>
    public string File { get; }

    /// <summary>The whole config.</summary>
    public JsonObject Root { get; set; } = [];

    /// <summary>Notes the line where a value begins.</summary>
    public void WrittenAt(string path, int line) => _lines[path] = line;

    /// <summary>Notes that a value was given on the command line.</summary>
    public void SetBy(string path, string setting) => _settings[path] = setting;

    /// <summary>Whether a value comes from the command line.</summary>
    public bool IsSetting(string path) => Nearest(_settings, path) is not null;

    /// <summary>Where a value was written: <c>--set batch_size=0</c>, <c>train.json:12</c>, or the file alone for what is not in it.</summary>
    public string Origin(string path)
    {
        if (Nearest(_settings, path) is string setting)
        {
            return _settings[setting];
        }

        return Nearest(_lines, path) is string written ? $"{File}:{_lines[written]}" : File;
    }

    /// <summary>An error about a value: where it was written, and a sentence.</summary>
    public InputException Error(string path, string sentence) => new($"{Origin(path)}: {sentence}");

    /// <summary>The path of a key in an object.</summary>
    public static string Key(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    /// <summary>The path of an element of an array.</summary>
    public static string Element(string path, int index) => $"{path}[{index}]";

    /// <summary>The path itself or the nearest one around it that is known.</summary>
    private static string? Nearest<T>(Dictionary<string, T> known, string path)
    {
        while (path.Length > 0 && !known.ContainsKey(path))
        {
            path = path[..Math.Max(0, path.LastIndexOfAny(['.', '[']))];
        }

        return path.Length > 0 ? path : null;
    }
}
