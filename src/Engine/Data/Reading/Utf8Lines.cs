namespace MnrEngine.Data.Reading;

/// <summary>Splits a stream into lines of bytes, without their line ends and without a byte order mark at the start.</summary>
/// <param name="stream">The stream.</param>
/// <param name="largestLine">Bytes of the largest line that is read.</param>
internal sealed class Utf8Lines(Stream stream, int largestLine) : IDisposable
{
    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private int _length;
    private int _consumed;
    private bool _atEnd;

    /// <summary>The number of the current line, counted from 1.</summary>
    public long Number { get; private set; }

    /// <summary>The current line; valid until the next call of <see cref="Next"/>.</summary>
    public ReadOnlySpan<byte> Current => _buffer.AsSpan(_start, _length);

    /// <summary>Goes to the next line; false at the end.</summary>
    /// <exception cref="InvalidDataException">The line is larger than any may be.</exception>
    public bool Next()
    {
        _start = _consumed;
        int scanned = _start;
        while (true)
        {
            int lineEnd = _buffer.AsSpan(scanned, _end - scanned).IndexOf((byte)'\n');
            if (lineEnd >= 0)
            {
                SetCurrent(scanned + lineEnd, scanned + lineEnd + 1);
                return true;
            }

            int searched = _end - _start;
            if (searched >= largestLine)
            {
                throw new InvalidDataException($"line {Number + 1} is longer than {largestLine} bytes");
            }

            if (_atEnd || !Fill())
            {
                bool unfinished = _end > _start;
                if (unfinished)
                {
                    SetCurrent(_end, _end);
                }

                return unfinished;
            }

            scanned = _start + searched;
        }
    }

    public void Dispose() => stream.Dispose();

    private void SetCurrent(int lineEnd, int consumed)
    {
        if (Number++ == 0 && _buffer.AsSpan(_start, lineEnd - _start).StartsWith("\uFEFF"u8))
        {
            _start += 3;
        }

        _consumed = consumed;
        _length = lineEnd - _start;
        if (_length > 0 && _buffer[lineEnd - 1] == '\r')
        {
            _length--;
        }
    }

    /// <summary>Reads more behind the unfinished line, which moves to the front of the buffer; false at the end of the stream.</summary>
    private bool Fill()
    {
        int kept = _end - _start;
        byte[] target = kept == _buffer.Length ? new byte[_buffer.Length * 2] : _buffer;
        _buffer.AsSpan(_start, kept).CopyTo(target);
        _buffer = target;
        _start = 0;
        _end = kept;
        int read = stream.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        _atEnd = read == 0;
        return read > 0;
    }
}
