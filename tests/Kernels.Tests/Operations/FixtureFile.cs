using System.Text.Json;
using MnrEngine.Serialization;
using MnrEngine.Testing;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The cases of a safetensors file of fixtures: tensors named CASE.NAME.</summary>
internal sealed class FixtureFile : IDisposable
{
    private readonly SafetensorsFile _file;

    private FixtureFile(string name) => _file = SafetensorsFile.Open(Fixtures.Path("losses", name));

    public static FixtureFile Operations() => new("ops.safetensors");

    public static FixtureFile Losses() => new("losses.safetensors");

    /// <summary>The names of cases that begin like this.</summary>
    public static IEnumerable<string> Cases(string prefix)
    {
        using FixtureFile file = Operations();
        return [.. file._file.Entries.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(key => key[..key.LastIndexOf('.')]).Distinct()];
    }

    public static JsonDocument Json(string name) => JsonDocument.Parse(File.ReadAllText(Fixtures.Path("losses", name)));

    public bool Has(string name) => _file.Entries.ContainsKey(name);

    /// <summary>A tensor; one dimension makes a row, more than two are joined but the last.</summary>
    public Array2 this[string name]
    {
        get
        {
            WeightEntry entry = _file.Entries[name];
            float[] values = new float[entry.Count];
            _file.Read(name, values);
            int columns = (int)entry.Shape[^1];
            return new Array2(values.Length / columns, columns, Array.ConvertAll(values, value => (double)value));
        }
    }

    public int[] Integers(string name)
    {
        int[] values = new int[_file.Entries[name].Count];
        _file.ReadStored<int>(name, WeightType.I32, values);
        return values;
    }

    /// <summary>The lengths of the sentences of a case.</summary>
    public int[] Lengths(string name)
    {
        int[] offsets = Integers(name + ".offsets");
        return [.. offsets.Zip(offsets.Skip(1), (start, end) => end - start)];
    }

    public void Dispose() => _file.Dispose();
}
