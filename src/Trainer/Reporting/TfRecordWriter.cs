using System.Buffers.Binary;
using System.Numerics;

namespace MnrEngine.Trainer.Reporting;

/// <summary>
/// Writes TensorFlow's record format: length (8 bytes), masked CRC-32C of the length, data, masked CRC-32C of the data, all little-endian.
/// </summary>
internal static class TfRecordWriter
{
    /// <summary>Appends one record.</summary>
    public static void Write(Stream stream, ReadOnlySpan<byte> data)
    {
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)data.Length);
        stream.Write(length);
        WriteChecksum(stream, length);
        stream.Write(data);
        WriteChecksum(stream, data);
    }

    /// <summary>The checksum of bytes, rotated and shifted so that checksums of data that holds checksums stay useful.</summary>
    public static uint MaskedChecksum(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }

    private static void WriteChecksum(Stream stream, ReadOnlySpan<byte> data)
    {
        Span<byte> checksum = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(checksum, MaskedChecksum(data));
        stream.Write(checksum);
    }
}
