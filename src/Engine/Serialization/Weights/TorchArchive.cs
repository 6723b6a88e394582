using System.Buffers;
using System.IO.Compression;

namespace MnrEngine.Serialization;

/// <summary>
/// The zip archive that torch.save writes since 1.6: NAME/data.pkl, NAME/byteorder and one uncompressed NAME/data/KEY for each storage.
/// </summary>
internal sealed class TorchArchive : TorchStorages
{
    private readonly string _path;
    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = [];
    private readonly string _prefix;
    private readonly Lock _reading = new();

    public TorchArchive(string path, Stream file)
    {
        _path = path;
        try
        {
            _archive = new ZipArchive(file, ZipArchiveMode.Read);
            foreach (ZipArchiveEntry entry in _archive.Entries)
            {
                if (!_entries.TryAdd(entry.FullName, entry))
                {
                    throw new InputException($"{path} holds {entry.FullName} twice");
                }
            }
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw Malformed(error);
        }

        const string Pickle = "/data.pkl";
        string[] pickles = [.. _entries.Keys.Where(name => name.EndsWith(Pickle, StringComparison.Ordinal))];
        if (pickles.Length != 1)
        {
            throw new InputException($"{path} is a zip archive with {pickles.Length} files named data.pkl where torch.save writes one");
        }

        _prefix = pickles[0][..^Pickle.Length];
        CheckByteOrder();
        ZipArchiveEntry pickle = Find(_prefix + Pickle);
        if (pickle.Length > MaximumPickle)
        {
            throw new InputException($"{pickle.FullName} in {path} has {pickle.Length} bytes where at most {MaximumPickle} are expected");
        }

        byte[] bytes = new byte[pickle.Length];
        ReadBytes(pickle, 0, bytes);
        Unpickler unpickler = new(bytes, path);
        Root = unpickler.Load();
        foreach (TorchStorage storage in unpickler.Storages.Values)
        {
            CheckLength(storage);
        }
    }

    public override object? Root { get; }

    public override void Read(TorchStorage storage, long first, Span<float> destination)
    {
        int size = storage.Type.Size();
        byte[] chunk = ArrayPool<byte>.Shared.Rent(1 << 18);
        try
        {
            lock (_reading)
            {
                using Stream stream = Open(Find(Name(storage)), first * size);
                while (destination.Length > 0)
                {
                    int count = Math.Min(destination.Length, chunk.Length / size);
                    ReadExactly(stream, chunk.AsSpan(0, count * size));
                    FloatConversion.ToSingle(chunk.AsSpan(0, count * size), storage.Type, destination[..count]);
                    destination = destination[count..];
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    public override void Dispose() => _archive.Dispose();

    private string Name(TorchStorage storage) => $"{_prefix}/data/{storage.Key}";

    private void CheckLength(TorchStorage storage)
    {
        ZipArchiveEntry entry = Find(Name(storage));
        int size = storage.Type.Size();
        if (entry.Length % size != 0 || entry.Length / size != storage.Count)
        {
            throw new InputException($"{entry.FullName} in {_path} has {entry.Length} bytes where {storage.Count} numbers of {storage.Type} are expected");
        }
    }

    private void CheckByteOrder()
    {
        if (!_entries.TryGetValue($"{_prefix}/byteorder", out ZipArchiveEntry? entry))
        {
            return;
        }

        byte[] order = new byte[Math.Min(entry.Length, 16)];
        ReadBytes(entry, 0, order);
        if (!order.AsSpan().SequenceEqual("little"u8))
        {
            throw new InputException($"{entry.FullName} in {_path} does not say \"little\", the only byte order that is read");
        }
    }

    /// <summary>An entry by name. torch.save compresses nothing; as only such entries are read, a small file can't swell to a huge one.</summary>
    private ZipArchiveEntry Find(string name)
    {
        if (!_entries.TryGetValue(name, out ZipArchiveEntry? entry))
        {
            throw new InputException($"{_path} has no {name}");
        }

        return entry.CompressedLength == entry.Length ? entry
            : throw new InputException($"{name} in {_path} is compressed, which torch.save never does");
    }

    private void ReadBytes(ZipArchiveEntry entry, long offset, Span<byte> destination)
    {
        using Stream stream = Open(entry, offset);
        ReadExactly(stream, destination);
    }

    private Stream Open(ZipArchiveEntry entry, long offset)
    {
        try
        {
            Stream stream = entry.Open();
            Span<byte> skipped = stackalloc byte[4096];
            while (offset > 0)
            {
                int count = (int)Math.Min(offset, skipped.Length);
                stream.ReadExactly(skipped[..count]);
                offset -= count;
            }

            return stream;
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw Malformed(error);
        }
    }

    private void ReadExactly(Stream stream, Span<byte> destination)
    {
        try
        {
            stream.ReadExactly(destination);
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw Malformed(error);
        }
    }

    private InputException Malformed(Exception error) => new($"{_path} is not a whole zip archive as torch.save writes it: {error.Message}", error);
}
