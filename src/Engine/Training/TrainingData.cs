using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MnrEngine.Data;
using MnrEngine.Models;
using MnrEngine.Text;

namespace MnrEngine.Training;

/// <summary>
/// The rows to train on as token ids, each different text once. Threads in the background tokenise them while training has begun already; their texts are let go of
/// when all are tokenised.
/// </summary>
public sealed class TrainingData : IDisposable
{
    /// <summary>Data sets of no more different texts than this are tokenised before the first step, which takes less than a second.</summary>
    internal const int TextsTokenisedFirst = 1 << 16;

    private const int TokenHashBytes = 8;

    [ThreadStatic]
    private static char[]? _characters;

    private readonly TextNumbers _texts;
    private readonly TokenTable _tokens;
    private readonly int[]? _longestRows;
    private readonly List<int> _room = [];
    private int? _truncatedSentences;

    /// <summary>Begins to tokenise a data set, which is not held on to when that is done.</summary>
    /// <param name="dataset">Two or more columns: anchors, positives, then any number of hard negatives.</param>
    /// <param name="encoder">Gives the tokenizer and the maximum length.</param>
    /// <param name="labels">The label of each row, or null.</param>
    /// <param name="maxLength">The greatest number of tokens of a sentence, in place of the encoder's.</param>
    /// <exception cref="ArgumentException">There are fewer than two columns, or as many labels as rows are not there.</exception>
    public TrainingData(TextDataset dataset, SentenceEncoder encoder, TrainingLabels? labels = null, int? maxLength = null)
        : this(
            dataset, Tokenizing(dataset.Texts, encoder.Tokenizer, maxLength ?? encoder.Description.MaxSequenceLength, encoder.Description.LowerCase), labels,
            maxLength ?? encoder.Description.MaxSequenceLength, TextsTokenisedFirst)
    {
    }

    /// <param name="dataset">The rows.</param>
    /// <param name="tokenize">Tokenises one of the data set's texts.</param>
    /// <param name="labels">The label of each row, or null.</param>
    /// <param name="maxLength">The greatest number of tokens that <paramref name="tokenize"/> gives.</param>
    /// <param name="textsFirst">How many different texts are tokenised before the first step.</param>
    internal TrainingData(TextDataset dataset, TextTokenizer tokenize, TrainingLabels? labels, int maxLength, int textsFirst)
    {
        _texts = dataset.Numbers;
        if (_texts.Columns < 2 || (labels is not null && labels.Count != _texts.Rows))
        {
            throw new ArgumentException($"a loss needs two or more columns of equal length, not {_texts.Columns} columns of {_texts.Rows} rows with {labels?.Count ?? 0} labels");
        }

        Labels = labels;
        MaxLength = maxLength;
        TextHash = HashTexts(dataset);
        _longestRows = _texts.Distinct > textsFirst ? RowsOfMostBytes(dataset, maxLength, Math.Max(1, textsFirst / _texts.Columns)) : null;

        // One processor is left to who trains meanwhile.
        _tokens = new TokenTable(_texts.Distinct, tokenize, Math.Max(1, Environment.ProcessorCount - 1));
    }

    /// <summary>The label of each row, or null.</summary>
    public TrainingLabels? Labels { get; }

    /// <summary>The number of columns.</summary>
    public int Columns => _texts.Columns;

    /// <summary>The number of rows.</summary>
    public int Rows => _texts.Rows;

    /// <summary>The number of different sentences.</summary>
    public int Sentences => _tokens.Count;

    /// <summary>The number of tokens of the different sentences that are tokenised so far.</summary>
    public long Tokens => _tokens.Tokens;

    /// <summary>The greatest number of tokens of a sentence; what is longer is cut.</summary>
    public int MaxLength { get; }

    /// <summary>A hash of every text of every row, by which a resumed run knows its data again.</summary>
    public string TextHash { get; }

    /// <summary>Whether all is tokenised before the first step: the data set is small enough.</summary>
    public bool IsTokenizedFirst => _longestRows is null;

    /// <summary>The number of sentences that were cut at the maximum length; null while not all are tokenised.</summary>
    public int? TruncatedSentences
    {
        get
        {
            if (_truncatedSentences is null && _tokens.IsComplete)
            {
                int count = 0;
                foreach (int text in _texts.All)
                {
                    count += _tokens.IsTruncated(text) ? 1 : 0;
                }

                _truncatedSentences = count;
            }

            return _truncatedSentences;
        }
    }

    /// <summary>The ids of a sentence, tokenised now if the threads in the background have not come to it. Valid until the next call; one thread at a time.</summary>
    public ReadOnlySpan<int> this[int column, int row] => _tokens.Read(_texts.Row(row)[column], _room);

    /// <summary>Tokenises what is left, on this thread too.</summary>
    public void Tokenize() => _tokens.Complete();

    /// <summary>
    /// The tokens that a batch of so many rows can have at most, whichever rows they are. For a data set that is tokenised in the background it is a guess, taken from the rows with
    /// the most bytes of text: hardly ever too small, but it may be.
    /// </summary>
    public int LargestBatchTokens(int rows)
    {
        int[] lengths;
        if (_longestRows is null)
        {
            Tokenize();
            lengths = new int[Rows];
            for (int row = 0; row < lengths.Length; row++)
            {
                lengths[row] = Length(row, _room);
            }
        }
        else
        {
            lengths = new int[_longestRows.Length];
            Parallel.For(0, lengths.Length, static () => new List<int>(), (i, _, room) =>
            {
                lengths[i] = Length(_longestRows[i], room);
                return room;
            }, static _ => { });
        }

        Array.Sort(lengths);
        rows = Math.Min(rows, Rows);
        long tokens = (long)Math.Max(0, rows - lengths.Length) * lengths[0];
        for (int i = 1; i <= Math.Min(rows, lengths.Length); i++)
        {
            tokens += lengths[^i];
        }

        return checked((int)tokens);
    }

    /// <summary>The hash of all tokens that checkpoints had before there was <see cref="TextHash"/>.</summary>
    /// <param name="tokens">The number of all tokens, which they had too.</param>
    internal string TokenHash(out long tokens)
    {
        Tokenize();
        tokens = 0;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int[] offsets = new int[Rows + 1];
        for (int column = 0; column < Columns; column++)
        {
            for (int row = 0; row < Rows; row++)
            {
                offsets[row + 1] = checked(offsets[row] + this[column, row].Length);
            }

            tokens += offsets[^1];
            hash.AppendData(MemoryMarshal.AsBytes(offsets.AsSpan()));
            for (int row = 0; row < Rows; row++)
            {
                hash.AppendData(MemoryMarshal.AsBytes(this[column, row]));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, TokenHashBytes));
    }

    /// <summary>Ends the threads in the background.</summary>
    public void Dispose() => _tokens.Dispose();

    private int Length(int row, List<int> room)
    {
        int length = 0;
        foreach (int text in _texts.Row(row))
        {
            length += _tokens.Read(text, room).Length;
        }

        return length;
    }

    private static string HashTexts(TextDataset dataset)
    {
        XxHash128 hash = new();
        hash.Append(MemoryMarshal.AsBytes(dataset.Numbers.All));
        for (int text = 0; text < dataset.Numbers.Distinct; text++)
        {
            ReadOnlySpan<byte> utf8 = dataset.Texts.Utf8(text);
            hash.Append(MemoryMarshal.AsBytes<int>([utf8.Length]));
            hash.Append(utf8);
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <summary>The rows with the most bytes of text. What a sentence has beyond the maximum length does not count, at five bytes a token, which is about English.</summary>
    private static int[] RowsOfMostBytes(TextDataset dataset, int maxLength, int count)
    {
        // Negative, so that the most come first.
        long most = 5L * maxLength;
        long[] bytes = new long[dataset.Count];
        int[] rows = new int[dataset.Count];
        for (int row = 0; row < rows.Length; row++)
        {
            rows[row] = row;
            foreach (int text in dataset.Numbers.Row(row))
            {
                bytes[row] -= Math.Min(dataset.Texts.Utf8(text).Length, most);
            }
        }

        Array.Sort(bytes, rows);
        return rows[..Math.Min(count, rows.Length)];
    }

    internal static TextTokenizer Tokenizing(TextStore texts, WordPieceTokenizer tokenizer, int maxLength, bool lowerCase) => (text, tokenIds) =>
    {
        if (lowerCase)
        {
            return tokenizer.Encode(texts.Text(text).ToLowerInvariant(), tokenIds, maxLength);
        }

        // UTF-16 has no more units than UTF-8 has bytes.
        ReadOnlySpan<byte> utf8 = texts.Utf8(text);
        if (_characters is null || _characters.Length < utf8.Length)
        {
            _characters = new char[Math.Max(1024, 2 * utf8.Length)];
        }

        return tokenizer.Encode(_characters.AsSpan(0, Encoding.UTF8.GetChars(utf8, _characters)), tokenIds, maxLength);
    };
}
