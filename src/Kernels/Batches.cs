namespace MnrEngine.Kernels;

/// <summary>
/// Sentences of a batch on the host, one behind the other with no padding: the form in which everything between tokenizer and pooling
/// is held. The buffers are reused from batch to batch.
/// </summary>
public sealed class PackedBatch
{
    private int[] _tokenIds = [];
    private int[] _positions = [];
    private int[] _offsets = [0];

    /// <summary>The number of tokens of all sentences.</summary>
    public int Tokens { get; private set; }

    /// <summary>The number of sentences.</summary>
    public int Sentences { get; private set; }

    /// <summary>The number of tokens of the longest sentence.</summary>
    public int LongestSentence { get; private set; }

    /// <summary>Token ids, (tokens).</summary>
    public ReadOnlySpan<int> TokenIds => _tokenIds.AsSpan(0, Tokens);

    /// <summary>The row of the position table for each token, (tokens).</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Tokens);

    /// <summary>Where each sentence begins, (sentences + 1); the last entry is the number of tokens.</summary>
    public ReadOnlySpan<int> Offsets => _offsets.AsSpan(0, Sentences + 1);

    /// <summary>Empties the batch.</summary>
    public void Clear()
    {
        Tokens = 0;
        Sentences = 0;
        LongestSentence = 0;
    }

    /// <summary>Adds a sentence of at least one token.</summary>
    /// <param name="tokenIds">Its token ids, special tokens included.</param>
    /// <param name="firstPosition">The position of its first token: 0 for BERT, 2 for MPNet.</param>
    public void Add(ReadOnlySpan<int> tokenIds, int firstPosition = 0)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tokenIds.Length, nameof(tokenIds));
        int end = checked(Tokens + tokenIds.Length);
        Grow(ref _tokenIds, end);
        Grow(ref _positions, end);
        Grow(ref _offsets, Sentences + 2);
        tokenIds.CopyTo(_tokenIds.AsSpan(Tokens));
        for (int i = 0; i < tokenIds.Length; i++)
        {
            _positions[Tokens + i] = firstPosition + i;
        }

        Tokens = end;
        Sentences++;
        _offsets[Sentences] = end;
        LongestSentence = Math.Max(LongestSentence, tokenIds.Length);
    }

    private static void Grow(ref int[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            Array.Resize(ref buffer, (int)Math.Min(Array.MaxLength, Math.Max(length, 2L * buffer.Length)));
        }
    }
}

/// <summary>A batch on the device, as <see cref="IKernels.Upload"/> returns it. It is valid until the second upload after it.</summary>
/// <param name="TokenIds">Int32 (1, tokens).</param>
/// <param name="Positions">Int32 (1, tokens).</param>
/// <param name="Offsets">Int32 (1, sentences + 1).</param>
/// <param name="Tokens">The number of tokens.</param>
/// <param name="TokenRows">
/// The number of rows of every (tokens, width) operand of this batch: at least <paramref name="Tokens"/>. An implementation may round up,
/// so that few different shapes occur; spare rows hold finite numbers, belong to no sentence and add nothing to any gradient.
/// </param>
/// <param name="Sentences">The number of sentences.</param>
/// <param name="LongestSentence">The number of tokens of the longest sentence, or a few more: an implementation may round up, though not beyond the longest planned.</param>
/// <param name="Slot">Which of the implementation's staging slots holds the batch.</param>
public readonly record struct DeviceBatch(
    Tensor TokenIds, Tensor Positions, Tensor Offsets, int Tokens, int TokenRows, int Sentences, int LongestSentence, int Slot);

/// <summary>The largest step that will be run; every buffer is sized by it once.</summary>
/// <param name="Tokens">Tokens of a batch.</param>
/// <param name="Sentences">Sentences of a batch.</param>
/// <param name="SentenceLength">Tokens of a sentence.</param>
/// <param name="Hidden">Width of the network.</param>
/// <param name="Intermediate">Width of its feed-forward layers.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Embedding">Width of a sentence's embedding.</param>
/// <param name="Backward">Whether backward passes will be run.</param>
public readonly record struct StepLimits(
    int Tokens, int Sentences, int SentenceLength, int Hidden, int Intermediate, int Heads, int Embedding, bool Backward);

/// <summary>What tells one step's sequence of operations from another's: an implementation that records a step replays it when this is equal.</summary>
/// <param name="Kind">Which sequence the caller runs, for example training or encoding; the caller numbers them.</param>
/// <param name="TokenRows">See <see cref="DeviceBatch.TokenRows"/>.</param>
/// <param name="Sentences">The number of sentences.</param>
/// <param name="LongestSentence">See <see cref="DeviceBatch.LongestSentence"/>.</param>
/// <param name="Slot">See <see cref="DeviceBatch.Slot"/>.</param>
/// <param name="Owner">Whose buffers the sequence runs on: a step of one network is not another's.</param>
public readonly record struct StepKey(int Kind, int TokenRows, int Sentences, int LongestSentence, int Slot, object? Owner = null);
