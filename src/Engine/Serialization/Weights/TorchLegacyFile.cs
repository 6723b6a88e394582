using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace MnrEngine.Serialization;

/// <summary>
/// What torch.save wrote before 1.6: five pickles in a row (a magic number, the protocol, the machine, the object, the storages' keys)
/// and then, for each key, the storage's count as 64 bits and its numbers.
/// </summary>
internal sealed class TorchLegacyFile : TorchStorages
{
    private static readonly BigInteger Magic = BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, long> _offsets = [];

    public TorchLegacyFile(string path, SafeFileHandle file)
    {
        _path = path;
        _file = file;
        byte[] head = new byte[Math.Min(RandomAccess.GetLength(file), MaximumPickle)];
        WeightStream.ReadExactly(file, path, 0, head);
        Unpickler pickles = new(head, path);
        if (pickles.Load() is not BigInteger magic || magic != Magic || pickles.Load() is not 1001L)
        {
            throw new InputException($"{path} is a pickle, but not one that torch.save wrote");
        }

        if (pickles.Load() is not PickleDictionary machine || machine["little_endian"] is not true)
        {
            throw new InputException($"{path} was not written with little-endian numbers, the only byte order that is read");
        }

        Root = pickles.Load();
        List<object?> keys = pickles.Load() as List<object?> ?? throw new InputException($"{path} has no list of storages after its tensors");
        LocateStorages(pickles.Storages, keys, pickles.Position);
    }

    public override object? Root { get; }

    public override void Read(TorchStorage storage, long first, Span<float> destination) =>
        WeightStream.ReadSingles(_file, _path, _offsets[storage.Key] + (first * storage.Type.Size()), storage.Type, destination);

    public override void Dispose() => _file.Dispose();

    private void LocateStorages(IReadOnlyDictionary<string, TorchStorage> storages, List<object?> keys, long position)
    {
        long length = RandomAccess.GetLength(_file);
        Span<byte> count = stackalloc byte[8];
        foreach (object? key in keys)
        {
            if (key is not string name || !storages.TryGetValue(name, out TorchStorage? storage) || !_offsets.TryAdd(name, position + 8))
            {
                throw new InputException($"{_path} lists a storage that no tensor uses, or lists one twice");
            }

            WeightStream.ReadExactly(_file, _path, position, count);
            if (BinaryPrimitives.ReadInt64LittleEndian(count) != storage.Count)
            {
                throw new InputException($"storage {name} of {_path} has {BinaryPrimitives.ReadInt64LittleEndian(count)} numbers where {storage.Count} are expected");
            }

            position += 8;
            if (storage.Count > (length - position) / storage.Type.Size())
            {
                throw new InputException($"{_path} ends inside storage {name} of {storage.Count} numbers: it was truncated");
            }

            position += storage.Count * storage.Type.Size();
        }

        foreach (string name in storages.Keys)
        {
            if (!_offsets.ContainsKey(name))
            {
                throw new InputException($"{_path} has no storage {name}");
            }
        }
    }
}
