using MnrEngine.Hub;

namespace MnrEngine.Trainer.Config;

/// <summary>What transformers, sentence-transformers or habit call a key that has another name here; the error about an unknown key says so.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class TransformersNameAttribute(params string[] names) : Attribute
{
    public IReadOnlyList<string> Names { get; } = names;
}

/// <summary>What the key was called before; configs that use the old name are still read.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class FormerNameAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}

/// <summary>The key names a file or folder: relative paths count from the config's folder, or from the current one when given by --set.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ConfigPathAttribute : Attribute
{
    /// <summary>The value is a path.</summary>
    public ConfigPathAttribute()
    {
    }

    /// <summary>The value is a path, or the id of something on the hub.</summary>
    public ConfigPathAttribute(HubKind hub)
    {
        Hub = hub;
    }

    /// <summary>What it may be the id of, or null.</summary>
    public HubKind? Hub { get; }
}

/// <summary>In place of the object, its one most important key's value may stand alone.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ShorthandAttribute(string key) : Attribute
{
    public string Key { get; } = key;
}

/// <summary>How many elements an array has.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ElementsAttribute(int least, int most = int.MaxValue) : Attribute
{
    public int Least { get; } = least;

    public int Most { get; } = most;
}
