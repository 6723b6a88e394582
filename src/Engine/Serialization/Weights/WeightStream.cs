using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MnrEngine.Serialization;

/// <summary>
/// Reads numbers at places of an open file. The file is read rather than mapped: a mapped file that somebody truncates ends the
/// process with a signal, a read one gives an error that can be told.
/// </summary>
internal static class WeightStream
{
    private const int ChunkBytes = 1 << 18;

    /// <summary>Opens a file for reading at any place.</summary>
    /// <exception cref="InputException">It is missing, a folder, or may not be read.</exception>
    public static SafeFileHandle Open(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path} does not exist", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} can't be read: {error.Message}", error);
        }
    }

    /// <summary>Reads exactly the bytes asked for.</summary>
    /// <exception cref="InputException">The file ends before, or the device fails.</exception>
    public static void ReadExactly(SafeFileHandle file, string path, long offset, Span<byte> destination)
    {
        try
        {
            while (destination.Length > 0)
            {
                int read = RandomAccess.Read(file, destination, offset);
                if (read == 0)
                {
                    throw new InputException($"{path} ends at byte {offset} but has to go on for {destination.Length} bytes more: it was truncated");
                }

                destination = destination[read..];
                offset += read;
            }
        }
        catch (IOException error)
        {
            throw new InputException($"{path} can't be read: {error.Message}", error);
        }
    }

    /// <summary>Reads and converts as many consecutive numbers as the destination holds.</summary>
    public static void ReadSingles(SafeFileHandle file, string path, long offset, WeightType type, Span<float> destination)
    {
        if (type == WeightType.F32)
        {
            ReadExactly(file, path, offset, MemoryMarshal.AsBytes(destination));
            return;
        }

        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            int size = type.Size();
            while (destination.Length > 0)
            {
                int count = Math.Min(destination.Length, ChunkBytes / size);
                Span<byte> stored = chunk.AsSpan(0, count * size);
                ReadExactly(file, path, offset, stored);
                FloatConversion.ToSingle(stored, type, destination[..count]);
                destination = destination[count..];
                offset += stored.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }
}
