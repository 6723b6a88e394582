using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MnrEngine.Serialization;

/// <summary>
/// A file in the safetensors format: 8 bytes with the header's length, a JSON header that names each tensor's type, shape and
/// place, then the numbers. Opening reads and checks the header; the numbers are read on demand.
/// </summary>
public sealed class SafetensorsFile : IWeightSource
{
    private readonly SafeFileHandle _file;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, SafeFileHandle file, SafetensorsHeader header)
    {
        Path = path;
        _file = file;
        _header = header;
    }

    /// <summary>The file's path as given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, WeightEntry> Entries => _header.Entries;

    /// <summary>The header's free text, such as <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks that its header describes exactly the bytes that follow it.</summary>
    /// <exception cref="InputException">The file is missing, truncated, or its header is wrong.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle file = WeightStream.Open(path);
        try
        {
            return new SafetensorsFile(path, file, SafetensorsHeader.Read(file, path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, Span<float> destination)
    {
        this.CheckReadable(name, destination.Length);
        WeightStream.ReadSingles(_file, Path, _header.Offsets[name], Entries[name].Type, destination);
    }

    /// <inheritdoc/>
    public void ReadPieces(string name, Span<float> room, WeightPiece piece)
    {
        int count = this.CountOf(name);
        WeightType type = Entries[name].Type;
        for (int first = 0; first < count; first += room.Length)
        {
            Span<float> values = room[..Math.Min(room.Length, count - first)];
            WeightStream.ReadSingles(_file, Path, _header.Offsets[name] + ((long)first * type.Size()), type, values);
            piece(first, values);
        }
    }

    /// <summary>Reads a whole tensor as it is stored, row-major and little-endian.</summary>
    /// <typeparam name="T">The number type that <paramref name="type"/> names, such as <see cref="int"/> for I32.</typeparam>
    /// <param name="name">One of <see cref="Entries"/>.</param>
    /// <param name="type">The type that the tensor has to have.</param>
    /// <param name="destination">As many numbers as the tensor has.</param>
    /// <exception cref="InputException">There is no such tensor, it has another type, or the file can't be read.</exception>
    public void ReadStored<T>(string name, WeightType type, Span<T> destination)
        where T : unmanaged
    {
        WeightEntry entry = this.Find(name);
        if (entry.Type != type)
        {
            throw new InputException($"{Location(name)} has type {entry.Type} where {type} is expected");
        }

        Span<byte> bytes = MemoryMarshal.AsBytes(destination);
        if (bytes.Length != entry.Count * type.Size())
        {
            throw new ArgumentException($"{Location(name)} has {entry.Count} numbers of {type}, the destination has room for {destination.Length} {typeof(T).Name}", nameof(destination));
        }

        WeightStream.ReadExactly(_file, Path, _header.Offsets[name], bytes);
    }

    /// <inheritdoc/>
    public string Location(string name) => $"tensor {name} of {Path}";

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
