using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MnrEngine.Serialization;

/// <summary>
/// Writes a safetensors file: the tensors in the order in which they are added, the header padded with spaces so that the numbers
/// start at a multiple of 8 bytes. The metadata says <c>format: pt</c>, without which transformers refuses a file.
/// </summary>
public sealed class SafetensorsWriter
{
    private readonly Dictionary<string, string> _metadata = new() { ["format"] = "pt" };
    private readonly List<Tensor> _tensors = [];
    private readonly HashSet<string> _names = ["__metadata__"];

    /// <summary>Adds a text to the header.</summary>
    public void AddMetadata(string key, string value) => _metadata[key] = value;

    /// <summary>Adds a single-precision tensor. Its numbers are read when the file is written, and are not copied before.</summary>
    /// <param name="name">A name that no tensor has yet.</param>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="values">As many numbers as the shape has; row-major.</param>
    public void Add(string name, ReadOnlySpan<int> shape, ReadOnlyMemory<float> values) =>
        Add(name, WeightType.F32, shape, (long)values.Length * sizeof(float), stream => stream.Write(MemoryMarshal.AsBytes(values.Span)));

    /// <summary>Adds a single-precision tensor that is fetched when the file is written, so that not all are in memory at once.</summary>
    /// <param name="weight">The tensor; its name is one that no tensor has yet.</param>
    public void Add(NamedWeight weight) =>
        Add(weight.Name, WeightType.F32, [.. weight.Shape], WeightShape.Count(weight.Shape) * sizeof(float), stream => WriteFetched(stream, weight));

    /// <summary>Adds a tensor of any type, as it is to be stored.</summary>
    /// <param name="name">A name that no tensor has yet.</param>
    /// <param name="type">The type of its numbers.</param>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="values">The numbers, little-endian and row-major.</param>
    public void AddStored(string name, WeightType type, ReadOnlySpan<int> shape, ReadOnlyMemory<byte> values) =>
        Add(name, type, shape, values.Length, stream => stream.Write(values.Span));

    /// <summary>Writes the file.</summary>
    public void WriteTo(Stream stream)
    {
        byte[] header = Header();
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (Tensor tensor in _tensors)
        {
            tensor.Write(stream);
        }
    }

    private void Add(string name, WeightType type, ReadOnlySpan<int> shape, long bytes, Action<Stream> write)
    {
        WeightEntry entry = new(type, shape.ToArray());
        if (entry.Count * type.Size() != bytes)
        {
            throw new ArgumentException($"{bytes} bytes given for tensor {name} of {type} {WeightShape.Text(entry.Shape)}", nameof(shape));
        }

        if (!_names.Add(name))
        {
            throw new ArgumentException($"there already is a tensor {name}", nameof(name));
        }

        _tensors.Add(new Tensor(name, entry, bytes, write));
    }

    private static void WriteFetched(Stream stream, NamedWeight weight)
    {
        int count = checked((int)WeightShape.Count(weight.Shape));
        float[] values = ArrayPool<float>.Shared.Rent(count);
        try
        {
            weight.Fetch(values.AsSpan(0, count));
            stream.Write(MemoryMarshal.AsBytes(values.AsSpan(0, count)));
        }
        finally
        {
            ArrayPool<float>.Shared.Return(values);
        }
    }

    private byte[] Header()
    {
        using MemoryStream header = new();
        using (Utf8JsonWriter json = new(header))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach ((string key, string value) in _metadata)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            long offset = 0;
            foreach (Tensor tensor in _tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Entry.Type.ToString());
                WriteNumbers(json, "shape", [.. tensor.Entry.Shape.Select(dimension => (long)dimension)]);
                WriteNumbers(json, "data_offsets", [offset, offset + tensor.Bytes]);
                json.WriteEndObject();
                offset += tensor.Bytes;
            }

            json.WriteEndObject();
        }

        while (header.Length % 8 != 0)
        {
            header.WriteByte((byte)' ');
        }

        return header.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, ReadOnlySpan<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    private sealed record Tensor(string Name, WeightEntry Entry, long Bytes, Action<Stream> Write);
}
