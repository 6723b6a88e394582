namespace MnrEngine.Data.Reading;

/// <summary>
/// A file of which a part is read at most once: pages of a damaged Parquet file may point backwards, and a reader that follows them would
/// never end.
/// </summary>
internal sealed class ReadOnceStream(Stream file) : Stream
{
    // Readers may look at some bytes twice, such as those of page headers.
    private const long Slack = 1 << 20;

    private long _left = file.Length + Slack;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => file.Length;

    public override long Position
    {
        get => file.Position;
        set => file.Position = value;
    }

    /// <summary>Begins another part, which may again be as long as the file.</summary>
    public void BeginPart() => _left = file.Length + Slack;

    public override int ReadByte()
    {
        Count(1);
        return file.ReadByte();
    }

    public override int Read(Span<byte> buffer)
    {
        int read = file.Read(buffer);
        Count(read);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        Task.FromResult(Read(buffer.AsSpan(offset, count)));

    public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            file.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Count(int bytes)
    {
        _left -= bytes;
        if (_left < 0)
        {
            throw new InvalidDataException("its pages point at each other in a circle");
        }
    }
}
