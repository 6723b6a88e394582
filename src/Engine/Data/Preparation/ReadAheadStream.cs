using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using MnrEngine.Data.Reading;

namespace MnrEngine.Data.Preparation;

/// <summary>Reads a stream ahead on a thread of its own, a few blocks deep, so that decompressing goes on while rows are taken apart.</summary>
internal sealed class ReadAheadStream : ForwardStream
{
    private const int BlockLength = 1 << 18;
    private const int Blocks = 4;

    private readonly Stream _source;
    private readonly BlockingCollection<(byte[] Block, int Length)> _full = new(Blocks);
    private readonly ConcurrentBag<byte[]> _free = [];
    private readonly CancellationTokenSource _closed = new();
    private readonly Task _reading;
    private ExceptionDispatchInfo? _error;
    private byte[] _block = [];
    private int _start;
    private int _end;

    public ReadAheadStream(Stream source)
    {
        _source = source;
        _reading = Task.Factory.StartNew(ReadAll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public override int Read(Span<byte> buffer)
    {
        if (_start == _end && !NextBlock())
        {
            return 0;
        }

        int count = Math.Min(buffer.Length, _end - _start);
        _block.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_closed.IsCancellationRequested)
        {
            _closed.Cancel();
            _reading.Wait();
            _source.Dispose();
            _full.Dispose();
            _closed.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool NextBlock()
    {
        if (_block.Length > 0)
        {
            _free.Add(_block);
            _block = [];
        }

        if (_full.TryTake(out (byte[] Block, int Length) next, Timeout.Infinite))
        {
            (_block, _start, _end) = (next.Block, 0, next.Length);
            return true;
        }

        _start = _end = 0;
        _error?.Throw();
        return false;
    }

    private void ReadAll()
    {
        try
        {
            while (true)
            {
                byte[] block = _free.TryTake(out byte[]? used) ? used : new byte[BlockLength];
                int read = _source.ReadAtLeast(block, block.Length, throwOnEndOfStream: false);
                if (read == 0)
                {
                    break;
                }

                _full.Add((block, read), _closed.Token);
            }
        }
        catch (OperationCanceledException) when (_closed.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            // Thrown where the rows are read, behind those that came before.
            _error = ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            _full.CompleteAdding();
        }
    }
}
