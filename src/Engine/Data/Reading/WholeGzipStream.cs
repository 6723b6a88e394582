using System.IO.Compression;
using System.Text;

namespace MnrEngine.Data.Reading;

/// <summary>
/// Decompresses a gzip file and insists on its being whole: .NET's <see cref="GZipStream"/> takes a file that is cut short for one
/// that ends there, and a training set would silently lose its rows.
/// </summary>
/// <remarks>
/// A gzip file may consist of several members. So a member with known content is appended to the file: only if the file's own last
/// member is complete does the decompressed text end with that content. Behind a member that isn't, the appended bytes are taken for
/// more of it and come out as garbage, so as much text as they can make is held back until the end has been seen.
/// </remarks>
internal sealed class WholeGzipStream : ForwardStream
{
    private static readonly byte[] Seal = Encoding.ASCII.GetBytes("\0end of the gzip file\0");
    private static readonly byte[] SealMember = Compress(Seal);

    // A deflated byte becomes 1,032 bytes at most: 258 from each two bits.
    private static readonly int HeldBack = SealMember.Length * 1_032;

    private readonly string _path;
    private readonly GZipStream _gzip;
    private readonly byte[] _buffer = new byte[HeldBack + (1 << 16)];
    private int _start;
    private int _end;
    private bool _wholeFileSeen;

    public WholeGzipStream(Stream file, string path)
    {
        _path = path;
        _gzip = new GZipStream(new Concatenation(file, SealMember), CompressionMode.Decompress);
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        while (!_wholeFileSeen && _end - _start <= HeldBack)
        {
            Fill();
        }

        int count = Math.Min(buffer.Length, _end - _start - (_wholeFileSeen ? 0 : HeldBack));
        _buffer.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _gzip.Dispose();
        }

        base.Dispose(disposing);
    }

    private static byte[] Compress(byte[] content)
    {
        using MemoryStream member = new();
        using (GZipStream gzip = new(member, CompressionLevel.Optimal))
        {
            gzip.Write(content);
        }

        return member.ToArray();
    }

    /// <summary>Reads more; at the end, looks for the seal and takes it off.</summary>
    private void Fill()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        int read;
        try
        {
            read = _gzip.Read(_buffer.AsSpan(_end));
        }
        catch (InvalidDataException e)
        {
            throw new InputException($"the gzip file {_path} is damaged or cut short, so its rows can't be trusted", e);
        }

        _end += read;
        if (read == 0)
        {
            if (!_buffer.AsSpan(0, _end).EndsWith(Seal))
            {
                throw new InputException($"the gzip file {_path} is cut short or followed by something else, so its rows can't be trusted");
            }

            _end -= Seal.Length;
            _wholeFileSeen = true;
        }
    }

    /// <summary>A file with a few bytes appended.</summary>
    private sealed class Concatenation(Stream file, byte[] appended) : ForwardStream
    {
        private int _used;

        public override int Read(Span<byte> buffer)
        {
            int count = file.Read(buffer);
            if (count == 0)
            {
                count = Math.Min(buffer.Length, appended.Length - _used);
                appended.AsSpan(_used, count).CopyTo(buffer);
                _used += count;
            }

            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                file.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
