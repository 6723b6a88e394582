using System.IO.Compression;
using System.Text;

namespace MnrEngine.Engine.Tests.Serialization;

/// <summary>
/// Writes what torch.save writes, instruction by instruction, so that tests can also write what it would not. Each method adds the
/// instructions that leave one object on the stack, unless it says otherwise.
/// </summary>
internal sealed class PickleBuilder
{
    private readonly MemoryStream _bytes = new();

    public static byte[] Of(Action<PickleBuilder> build)
    {
        PickleBuilder pickle = new();
        pickle.Raw(0x80, 2);
        build(pickle);
        pickle.Raw('.');
        return pickle._bytes.ToArray();
    }

    /// <summary>A zip archive of torch.save.</summary>
    public static byte[] Archive(byte[] pickle, params (string Name, byte[] Content)[] files)
    {
        using MemoryStream archive = new();
        using (ZipArchive zip = new(archive, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in ((string, byte[])[])[("data.pkl", pickle), ("byteorder", "little"u8.ToArray()), .. files])
            {
                using Stream entry = zip.CreateEntry("archive/" + name, CompressionLevel.NoCompression).Open();
                entry.Write(content);
            }
        }

        return archive.ToArray();
    }

    /// <summary>A file of torch.save before 1.6.</summary>
    public static byte[] Legacy(byte[] pickle, params (string Key, long Count, byte[] Numbers)[] storages)
    {
        byte[] machine = Of(p => p.Dictionary(d => d.Item("protocol_version", q => q.Integer(1001)).Item("little_endian", q => q.Raw(0x88))));
        byte[] keys = Of(p =>
        {
            p.Raw(']', '(');
            foreach ((string key, _, _) in storages)
            {
                p.Text(key);
            }

            p.Raw('e');
        });
        byte[] magic = Of(p => p.Raw(0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19));
        using MemoryStream file = new();
        foreach (byte[] part in (byte[][])[magic, Of(p => p.Integer(1001)), machine, pickle, keys])
        {
            file.Write(part);
        }

        foreach ((_, long count, byte[] numbers) in storages)
        {
            file.Write(BitConverter.GetBytes(count));
            file.Write(numbers);
        }

        return file.ToArray();
    }

    public PickleBuilder Raw(params int[] bytes)
    {
        foreach (int value in bytes)
        {
            _bytes.WriteByte((byte)value);
        }

        return this;
    }

    /// <summary>Bytes of text, which may be instructions.</summary>
    public PickleBuilder Utf8(string text)
    {
        _bytes.Write(Encoding.UTF8.GetBytes(text));
        return this;
    }

    public PickleBuilder Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Raw('X', utf8.Length & 0xFF, utf8.Length >> 8, 0, 0);
        _bytes.Write(utf8);
        return this;
    }

    public PickleBuilder Integer(int value)
    {
        Raw('J');
        _bytes.Write(BitConverter.GetBytes(value));
        return this;
    }

    public PickleBuilder Global(string module, string name)
    {
        Raw('c');
        _bytes.Write(Encoding.UTF8.GetBytes($"{module}\n{name}\n"));
        return this;
    }

    public PickleBuilder Tuple(params int[] values)
    {
        Raw('(');
        foreach (int value in values)
        {
            Integer(value);
        }

        return Raw('t');
    }

    public PickleBuilder Dictionary(Action<PickleBuilder> items)
    {
        Raw('}', '(');
        items(this);
        return Raw('u');
    }

    /// <summary>A key and a value, inside <see cref="Dictionary"/>.</summary>
    public PickleBuilder Item(string key, Action<PickleBuilder> value)
    {
        Text(key);
        value(this);
        return this;
    }

    public PickleBuilder Storage(string type, string key, int count) =>
        Raw('(').Text("storage").Global("torch", type).Text(key).Text("cpu").Integer(count).Raw('t', 'Q');

    public PickleBuilder Tensor(string type, string key, int count, int offset, int[] shape, int[] strides) =>
        Global("torch._utils", "_rebuild_tensor_v2").Raw('(').Storage(type, key, count).Integer(offset).Tuple(shape).Tuple(strides)
            .Raw(0x89).Global("collections", "OrderedDict").Raw(')', 'R').Raw('t', 'R');
}
