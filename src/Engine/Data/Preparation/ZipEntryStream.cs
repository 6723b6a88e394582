using System.IO.Compression;
using System.IO.Hashing;
using MnrEngine.Data.Reading;

namespace MnrEngine.Data.Preparation;

/// <summary>
/// An entry of a zip file while it is unpacked. What comes out is held against the limits, whatever size the file claims; at the end, length and
/// checksum have to be the file's, since .NET takes an entry that is cut short for one that ends there.
/// </summary>
internal sealed class ZipEntryStream(ZipArchive archive, ZipArchiveEntry entry, Stream unpacked, string path, ZipLimits limits) : ForwardStream
{
    private readonly Crc32 _checksum = new();
    private long _length;

    public override int Read(Span<byte> buffer)
    {
        int read;
        try
        {
            read = unpacked.Read(buffer);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new InputException($"{path}:{entry.FullName} can't be unpacked, so the zip file may be damaged: {e.Message.TrimEnd('.')}", e);
        }

        _length += read;
        _checksum.Append(buffer[..read]);
        ZipInput.CheckRatio(path, entry.FullName, _length, entry.CompressedLength, limits);
        if (_length > entry.Length || (read == 0 && buffer.Length > 0 && (_length < entry.Length || _checksum.GetCurrentHashAsUInt32() != entry.Crc32)))
        {
            throw new InputException($"{path}:{entry.FullName} is damaged: what it unpacks to doesn't have the length and checksum that the zip file gives");
        }

        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            unpacked.Dispose();
            archive.Dispose();
        }

        base.Dispose(disposing);
    }
}
