using Microsoft.Win32.SafeHandles;

namespace MnrEngine.Serialization;

/// <summary>
/// Weights as torch.save writes them (pytorch_model.bin): a dictionary of tensors in a pickle. Nothing in the file is executed: a
/// pickle that asks for anything but tensors is refused. Both the zip form (since torch 1.6) and the one before it are read.
/// </summary>
public sealed class PickleFile : IWeightSource
{
    private readonly string _path;
    private readonly TorchStorages _storages;
    private readonly Dictionary<string, TorchTensor> _tensors = [];
    private readonly Dictionary<string, WeightEntry> _entries = [];

    private PickleFile(string path, TorchStorages storages)
    {
        _path = path;
        _storages = storages;
        PickleDictionary root = storages.Root as PickleDictionary
            ?? throw new InputException($"the pickle in {path} does not hold a dictionary of tensors");
        foreach ((object? key, object? value) in root.Items)
        {
            if (key is not string name || value is not TorchTensor tensor)
            {
                throw new InputException($"the pickle in {path} holds {(key is string text ? text : "an entry without a name")}, which is not a tensor, where a dictionary of named tensors is expected");
            }

            _tensors[name] = tensor;
            _entries[name] = new WeightEntry(tensor.Storage.Type, tensor.Shape);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, WeightEntry> Entries => _entries;

    /// <summary>Opens a file, reads its pickle, and checks that every tensor's numbers are there.</summary>
    /// <exception cref="InputException">The file is missing, truncated or not one of torch.save, or its pickle holds something else than tensors.</exception>
    public static PickleFile Open(string path)
    {
        TorchStorages storages = OpenStorages(path);
        try
        {
            return new PickleFile(path, storages);
        }
        catch
        {
            storages.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, Span<float> destination)
    {
        this.CheckReadable(name, destination.Length);
        TorchTensor tensor = _tensors[name];
        if (tensor.IsContiguous)
        {
            _storages.Read(tensor.Storage, tensor.Offset, destination);
        }
        else
        {
            Gather(tensor, Location(name), destination);
        }
    }

    /// <inheritdoc/>
    public void ReadPieces(string name, Span<float> room, WeightPiece piece)
    {
        int count = this.CountOf(name);
        TorchTensor tensor = _tensors[name];
        if (!tensor.IsContiguous)
        {
            float[] whole = new float[count];
            Gather(tensor, Location(name), whole);
            piece(0, whole);
            return;
        }

        for (int first = 0; first < count; first += room.Length)
        {
            Span<float> values = room[..Math.Min(room.Length, count - first)];
            _storages.Read(tensor.Storage, tensor.Offset + first, values);
            piece(first, values);
        }
    }

    /// <inheritdoc/>
    public string Location(string name) => $"tensor {name} of {_path}";

    /// <inheritdoc/>
    public void Dispose() => _storages.Dispose();

    private static TorchStorages OpenStorages(string path)
    {
        SafeFileHandle file = WeightStream.Open(path);
        try
        {
            Span<byte> start = stackalloc byte[4];
            int length = RandomAccess.Read(file, start, 0);
            return start[..length].SequenceEqual("PK\x03\x04"u8) ? new TorchArchive(path, new FileStream(file, FileAccess.Read, bufferSize: 0))
                : start[0] == 0x80 ? new TorchLegacyFile(path, file)
                : throw new InputException($"{path} is not a file of torch.save: it begins neither as a zip archive nor as a pickle");
        }
        catch (IOException error)
        {
            file.Dispose();
            throw new InputException($"{path} can't be read: {error.Message}", error);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads a tensor whose strides are not those of its shape, such as a transposed one.</summary>
    private void Gather(TorchTensor tensor, string location, Span<float> destination)
    {
        if (tensor.Extent > Array.MaxLength)
        {
            throw new InputException($"{location} is a view over {tensor.Extent} numbers where at most {Array.MaxLength} are expected");
        }

        float[] stored = new float[tensor.Extent];
        _storages.Read(tensor.Storage, tensor.Offset, stored);
        int[] index = new int[tensor.Shape.Length];
        long place = 0;
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = stored[place];
            for (int axis = index.Length - 1; axis >= 0; axis--)
            {
                place += tensor.Strides[axis];
                if (++index[axis] < tensor.Shape[axis])
                {
                    break;
                }

                place -= tensor.Shape[axis] * tensor.Strides[axis];
                index[axis] = 0;
            }
        }
    }
}
