using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace MnrEngine.Text;

/// <summary>Adds the ids of a numbered text to a list. Called from several threads at once.</summary>
/// <returns>Whether the text was cut at the maximum length.</returns>
internal delegate bool TextTokenizer(int text, List<int> tokenIds);

/// <summary>
/// The token ids of many numbered texts, filled by threads of its own while it is read already: a text that these have not come to is tokenised by whoever
/// asks for it. So nobody waits, and what is read does not depend on how far the threads are.
/// </summary>
internal sealed class TokenTable : IDisposable
{
    // So few that even a small data set is divided between many threads, so many that a chunk's own memory, some hundred bytes, does not count.
    private const int ChunkBits = 10;
    private const int ChunkLength = 1 << ChunkBits;

    private readonly Chunk?[] _chunks;
    private readonly Task[] _threads;
    private readonly ManualResetEventSlim _ended;
    private TextTokenizer? _tokenize;
    private ExceptionDispatchInfo? _failure;
    private volatile bool _stop;
    private int _next;
    private int _filled;
    private long _tokens;

    /// <summary>Begins to fill.</summary>
    /// <param name="texts">How many texts there are.</param>
    /// <param name="tokenize">Tokenises one; forgotten, with what it holds, when all are done.</param>
    /// <param name="threads">How many threads fill the table.</param>
    public TokenTable(int texts, TextTokenizer tokenize, int threads)
    {
        Count = texts;
        _tokenize = tokenize;
        _chunks = new Chunk?[(texts + ChunkLength - 1) >> ChunkBits];
        _ended = new ManualResetEventSlim(_chunks.Length == 0);

        // Threads for long, since those of the pool serve a program's short tasks.
        _threads = [.. Enumerable.Range(0, Math.Min(threads, _chunks.Length)).Select(
            _ => Task.Factory.StartNew(() => Fill(tokenize), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
    }

    /// <summary>How many texts there are.</summary>
    public int Count { get; }

    /// <summary>The number of ids so far.</summary>
    public long Tokens => Interlocked.Read(ref _tokens);

    /// <summary>Whether every text is tokenised.</summary>
    /// <exception cref="Exception">Tokenising failed in the background, with this exception.</exception>
    public bool IsComplete
    {
        get
        {
            Volatile.Read(ref _failure)?.Throw();
            return Volatile.Read(ref _filled) == _chunks.Length;
        }
    }

    /// <summary>The ids of a text.</summary>
    /// <param name="text">Its number.</param>
    /// <param name="room">Where they are put when the text has to be tokenised now.</param>
    /// <exception cref="Exception">Tokenising failed, here or in the background, with this exception.</exception>
    public ReadOnlySpan<int> Read(int text, List<int> room)
    {
        // The tokenizer is taken away when all chunks are there, and is asked for first here: one of the two is always found.
        TextTokenizer? tokenize = Volatile.Read(ref _tokenize);
        if (Volatile.Read(ref _chunks[text >> ChunkBits]) is Chunk chunk)
        {
            return chunk.Read(text & (ChunkLength - 1));
        }

        Volatile.Read(ref _failure)?.Throw();
        room.Clear();
        tokenize!(text, room);
        return CollectionsMarshal.AsSpan(room);
    }

    /// <summary>Whether a text was cut at the maximum length. Only once all are tokenised.</summary>
    public bool IsTruncated(int text) => _chunks[text >> ChunkBits]!.IsTruncated(text & (ChunkLength - 1));

    /// <summary>Tokenises what is left, together with the threads in the background.</summary>
    /// <exception cref="Exception">Tokenising failed, with this exception.</exception>
    public void Complete()
    {
        if (Volatile.Read(ref _tokenize) is TextTokenizer tokenize)
        {
            Fill(tokenize);
            _ended.Wait();
        }

        ObjectDisposedException.ThrowIf(!IsComplete, this);
    }

    /// <summary>Ends the threads, after the text that each is at.</summary>
    public void Dispose()
    {
        _stop = true;
        Task.WaitAll(_threads);
        _ended.Set();
    }

    private void Fill(TextTokenizer tokenize)
    {
        try
        {
            List<int> tokenIds = [];
            int chunk;
            while (!_stop && Volatile.Read(ref _failure) is null && (chunk = Interlocked.Increment(ref _next) - 1) < _chunks.Length)
            {
                FillChunk(chunk, tokenize, tokenIds);
            }
        }
        catch (Exception error)
        {
            // Told to whoever reads next: an exception that nobody catches on a thread of its own would end the program.
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(error), null);
            _ended.Set();
        }
    }

    private void FillChunk(int chunk, TextTokenizer tokenize, List<int> tokenIds)
    {
        int first = chunk << ChunkBits;
        int[] offsets = new int[Math.Min(ChunkLength, Count - first) + 1];
        ulong[]? truncated = null;
        tokenIds.Clear();
        for (int i = 0; i < offsets.Length - 1; i++)
        {
            if (_stop)
            {
                return;
            }

            if (tokenize(first + i, tokenIds))
            {
                truncated ??= new ulong[ChunkLength / 64];
                truncated[i / 64] |= 1UL << (i % 64);
            }

            offsets[i + 1] = tokenIds.Count;
        }

        Volatile.Write(ref _chunks[chunk], new Chunk([.. tokenIds], offsets, truncated));
        Interlocked.Add(ref _tokens, tokenIds.Count);
        if (Interlocked.Increment(ref _filled) == _chunks.Length)
        {
            Volatile.Write(ref _tokenize, null);
            _ended.Set();
        }
    }

    /// <summary>The ids of texts that follow each other, without gaps.</summary>
    private sealed class Chunk(int[] tokenIds, int[] offsets, ulong[]? truncated)
    {
        public ReadOnlySpan<int> Read(int text) => tokenIds.AsSpan(offsets[text]..offsets[text + 1]);

        public bool IsTruncated(int text) => truncated is not null && (truncated[text / 64] & (1UL << (text % 64))) != 0;
    }
}
