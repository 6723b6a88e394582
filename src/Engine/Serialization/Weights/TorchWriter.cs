using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace MnrEngine.Serialization;

/// <summary>
/// Writes tensors as torch.save writes an OrderedDict of them (see <see cref="TorchArchive"/>). Only Dense modules need it: up to
/// sentence-transformers 2.7 these are read from a pytorch_model.bin and nothing else.
/// </summary>
internal static class TorchWriter
{
    /// <summary>The same bytes whenever they are written; zip has no earlier time.</summary>
    private static readonly DateTimeOffset Timestamp = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes the file; the stream has to be able to seek, so that no entry needs a length after its content.</summary>
    public static void Write(Stream stream, IReadOnlyList<NamedWeight> weights)
    {
        using ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true);
        Add(archive, "data.pkl", Pickle(weights));
        Add(archive, "byteorder", "little"u8);
        for (int i = 0; i < weights.Count; i++)
        {
            float[] values = new float[WeightShape.Count(weights[i].Shape)];
            weights[i].Fetch(values);
            Add(archive, $"data/{i}", MemoryMarshal.AsBytes(values.AsSpan()));
        }

        Add(archive, "version", "3\n"u8);
    }

    private static void Add(ZipArchive archive, string name, ReadOnlySpan<byte> content)
    {
        ZipArchiveEntry entry = archive.CreateEntry("pytorch_model/" + name, CompressionLevel.NoCompression);
        entry.LastWriteTime = Timestamp;
        using Stream stream = entry.Open();
        stream.Write(content);
    }

    private static byte[] Pickle(IReadOnlyList<NamedWeight> weights)
    {
        using MemoryStream pickle = new();
        pickle.Write([0x80, 2]);
        EmptyDictionary(pickle);
        pickle.WriteByte((byte)'(');
        for (int i = 0; i < weights.Count; i++)
        {
            Text(pickle, weights[i].Name);
            Tensor(pickle, $"{i}", weights[i].Shape);
        }

        pickle.Write("u."u8);
        return pickle.ToArray();
    }

    /// <summary>_rebuild_tensor_v2(storage, 0, shape, strides, requires_grad=False, hooks=OrderedDict())</summary>
    private static void Tensor(MemoryStream pickle, string key, IReadOnlyList<int> shape)
    {
        int[] strides = new int[shape.Count];
        int count = 1;
        for (int i = shape.Count - 1; i >= 0; i--)
        {
            strides[i] = count;
            count *= shape[i];
        }

        pickle.Write("ctorch._utils\n_rebuild_tensor_v2\n("u8);
        pickle.WriteByte((byte)'(');
        Text(pickle, "storage");
        pickle.Write("ctorch\nFloatStorage\n"u8);
        Text(pickle, key);
        Text(pickle, "cpu");
        Integer(pickle, count);
        pickle.Write("tQ"u8);
        Integer(pickle, 0);
        Tuple(pickle, shape);
        Tuple(pickle, strides);
        pickle.WriteByte(0x89);
        EmptyDictionary(pickle);
        pickle.Write("tR"u8);
    }

    private static void EmptyDictionary(MemoryStream pickle) => pickle.Write("ccollections\nOrderedDict\n)R"u8);

    private static void Tuple(MemoryStream pickle, IReadOnlyList<int> values)
    {
        pickle.WriteByte((byte)'(');
        foreach (int value in values)
        {
            Integer(pickle, value);
        }

        pickle.WriteByte((byte)'t');
    }

    private static void Integer(MemoryStream pickle, int value)
    {
        Span<byte> bytes = stackalloc byte[5];
        bytes[0] = (byte)'J';
        BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], value);
        pickle.Write(bytes);
    }

    private static void Text(MemoryStream pickle, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Span<byte> bytes = stackalloc byte[5];
        bytes[0] = (byte)'X';
        BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], utf8.Length);
        pickle.Write(bytes);
        pickle.Write(utf8);
    }
}
