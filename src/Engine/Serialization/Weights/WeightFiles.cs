namespace MnrEngine.Serialization;

/// <summary>Finds the weights in a folder.</summary>
public static class WeightFiles
{
    private static readonly (string Name, Func<string, IWeightSource> Open)[] Known =
    [
        ("model.safetensors", SafetensorsFile.Open),
        ("model.safetensors.index.json", path => ShardedWeights.Open(path, SafetensorsFile.Open)),
        ("pytorch_model.bin", PickleFile.Open),
        ("pytorch_model.bin.index.json", path => ShardedWeights.Open(path, PickleFile.Open)),
    ];

    /// <summary>The files that are looked for, in order; those ending with .index.json name others.</summary>
    internal static IEnumerable<string> Names => Known.Select(static known => known.Name);

    /// <summary>Opens the weights of a folder: the first that is there of the files that transformers would look for, in its order.</summary>
    /// <exception cref="InputException">None is there, or the one found is wrong.</exception>
    public static IWeightSource Open(string folder)
    {
        foreach ((string name, Func<string, IWeightSource> open) in Known)
        {
            string path = Path.Combine(folder, name);
            if (File.Exists(path))
            {
                return open(path);
            }
        }

        throw new InputException($"{folder} holds no weights: none of {string.Join(", ", Names)} is there");
    }
}
