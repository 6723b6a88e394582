using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace MnrEngine.Serialization;

/// <summary>What a safetensors header declares, checked against the file as the format demands.</summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The format's own limit; no header of a real model comes near.</summary>
    private const long MaximumLength = 100_000_000;

    private readonly Dictionary<string, WeightEntry> _entries = [];
    private readonly Dictionary<string, long> _offsets = [];
    private readonly Dictionary<string, string> _metadata = [];
    private readonly List<(long Start, long End, string Name)> _spans = [];
    private readonly string _path;

    private SafetensorsHeader(string path) => _path = path;

    public IReadOnlyDictionary<string, WeightEntry> Entries => _entries;

    /// <summary>Where each tensor's first byte is, from the start of the file.</summary>
    public IReadOnlyDictionary<string, long> Offsets => _offsets;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    public static SafetensorsHeader Read(SafeFileHandle file, string path)
    {
        long fileLength = RandomAccess.GetLength(file);
        if (fileLength < 8)
        {
            throw new InputException($"{path} has {fileLength} bytes, too few for a safetensors file, which begins with 8 bytes of header length");
        }

        Span<byte> prefix = stackalloc byte[8];
        WeightStream.ReadExactly(file, path, 0, prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaximumLength)
        {
            throw new InputException($"{path} declares a header of {length} bytes, more than safetensors' limit of {MaximumLength}: it is not a safetensors file");
        }

        long dataStart = 8 + (long)length;
        if (dataStart > fileLength)
        {
            throw new InputException($"{path} declares a header of {length} bytes but has only {fileLength - 8} after the first 8: it was truncated or is not a safetensors file");
        }

        byte[] json = new byte[(int)length];
        WeightStream.ReadExactly(file, path, 8, json);
        SafetensorsHeader header = new(path);
        header.Parse(json);
        header.CheckSpans(fileLength - dataStart);
        foreach ((long start, _, string name) in header._spans)
        {
            header._offsets[name] = dataStart + start;
        }

        return header;
    }

    private void Parse(byte[] json)
    {
        using JsonDocument document = JsonFile.Parse(json, $"the header of {_path}");
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new InputException($"the header of {_path} is a JSON {document.RootElement.ValueKind} where an object is expected");
        }

        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            if (property.Name == "__metadata__")
            {
                ParseMetadata(property.Value);
            }
            else
            {
                ParseTensor(property.Name, property.Value);
            }
        }
    }

    private void ParseMetadata(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object)
        {
            throw new InputException($"__metadata__ in the header of {_path} is a JSON {metadata.ValueKind} where an object of strings is expected");
        }

        foreach (JsonProperty property in metadata.EnumerateObject())
        {
            _metadata[property.Name] = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()!
                : throw new InputException($"__metadata__.{property.Name} in the header of {_path} is a JSON {property.Value.ValueKind} where a string is expected");
        }
    }

    private void ParseTensor(string name, JsonElement tensor)
    {
        if (tensor.ValueKind != JsonValueKind.Object
            || !tensor.TryGetProperty("dtype", out JsonElement dtype) || dtype.ValueKind != JsonValueKind.String
            || !tensor.TryGetProperty("shape", out JsonElement shape) || shape.ValueKind != JsonValueKind.Array
            || !tensor.TryGetProperty("data_offsets", out JsonElement offsets) || offsets.ValueKind != JsonValueKind.Array || offsets.GetArrayLength() != 2)
        {
            throw new InputException($"{Tensor(name)} is not described by a dtype, a shape and two data_offsets");
        }

        WeightType type = ParseType(name, dtype.GetString()!);
        int[] dimensions = new int[shape.GetArrayLength()];
        for (int i = 0; i < dimensions.Length; i++)
        {
            if (shape[i].ValueKind != JsonValueKind.Number || !shape[i].TryGetInt32(out dimensions[i]) || dimensions[i] < 0)
            {
                throw new InputException($"{Tensor(name)} has {shape[i].GetRawText()} in its shape where a dimension from 0 to {int.MaxValue} is expected");
            }
        }

        if (offsets[0].ValueKind != JsonValueKind.Number || !offsets[0].TryGetInt64(out long start)
            || offsets[1].ValueKind != JsonValueKind.Number || !offsets[1].TryGetInt64(out long end)
            || start < 0 || end < start)
        {
            throw new InputException($"{Tensor(name)} has data_offsets {offsets.GetRawText()} where a start and an end not before it are expected");
        }

        CheckSize(name, type, dimensions, end - start);
        _entries[name] = new WeightEntry(type, dimensions);
        _spans.Add((start, end, name));
    }

    private WeightType ParseType(string name, string dtype)
    {
        foreach (WeightType type in Enum.GetValues<WeightType>())
        {
            if (type.ToString() == dtype)
            {
                return type;
            }
        }

        throw new InputException($"{Tensor(name)} has the unknown dtype {dtype} where one of {string.Join(", ", Enum.GetNames<WeightType>())} is expected");
    }

    private void CheckSize(string name, WeightType type, int[] shape, long bytes)
    {
        long expected;
        try
        {
            expected = checked(WeightShape.Count(shape) * type.Size());
        }
        catch (OverflowException error)
        {
            throw new InputException($"{Tensor(name)} has shape {WeightShape.Text(shape)}, more numbers than a file can hold", error);
        }

        if (expected != bytes)
        {
            throw new InputException($"{Tensor(name)} spans {bytes} bytes where its shape {WeightShape.Text(shape)} of {type} needs {expected}");
        }
    }

    /// <summary>Sorted by place, the tensors have to follow one another without gap from the first byte of data to the last.</summary>
    private void CheckSpans(long dataLength)
    {
        _spans.Sort();
        long end = 0;
        string previous = "";
        foreach ((long start, long next, string name) in _spans)
        {
            if (next > dataLength)
            {
                throw new InputException($"{Tensor(name)} ends at byte {next} of the data, of which the file has only {dataLength}: it was truncated or its header is wrong");
            }

            if (start < end)
            {
                throw new InputException($"{Tensor(name)} starts at byte {start} of the data, inside tensor {previous}, which ends at {end}");
            }

            if (start > end)
            {
                throw new InputException($"{Tensor(name)} starts at byte {start} of the data and leaves {start - end} bytes before it to no tensor");
            }

            end = next;
            previous = name;
        }

        if (end != dataLength)
        {
            throw new InputException($"{_path} has {dataLength} bytes of data but its header describes {end}");
        }
    }

    private string Tensor(string name) => $"tensor {name} of {_path}";
}
