using System.Text;

namespace MnrEngine.Text;

/// <summary>
/// BERT's tokenizer: from text to the ids of word pieces and back, id for id as Hugging Face's fast tokenizers. Safe to use from
/// several threads at once.
/// </summary>
/// <remarks>
/// Added tokens are taken out of the text first; what lies between is normalised, cut into words at white space and around
/// punctuation, and each word is cut into the longest pieces that the vocabulary holds.
/// </remarks>
public sealed partial class WordPieceTokenizer
{
    // Long texts are normalised in pieces of about this many characters, so that one that gets truncated is not normalised whole.
    private const int PieceLength = 1024;

    private enum CharacterKind : byte
    {
        Word,
        Whitespace,
        Punctuation,
    }

    [ThreadStatic]
    private static NormalizedText? _normalizedText;

    private static readonly CharacterKind[] AsciiKinds = [.. Enumerable.Range(0, 128).Select(KindOf)];

    private readonly string[] _tokens;
    private readonly Dictionary<string, int> _ids;
    private readonly List<(AddedToken Token, int Id)> _addedTokens = [];
    private readonly HashSet<int> _specialIds;
    private readonly BertNormalizer _normalizer;
    private readonly AddedTokenMatcher _givenMatcher;
    private readonly AddedTokenMatcher _normalizedMatcher;
    private readonly WordPieces _wordPieces;

    /// <summary>A tokenizer for a vocabulary whose tokens have the ids 0, 1, 2 and so on.</summary>
    /// <exception cref="InputException">
    /// The vocabulary names a token twice, holds a line break or lacks the unknown, classify or separator token.
    /// </exception>
    public WordPieceTokenizer(IReadOnlyList<string> vocabulary, TokenizerOptions? options = null)
        : this(vocabulary, options ?? TokenizerOptions.Bert, "the vocabulary")
    {
    }

    internal WordPieceTokenizer(IReadOnlyList<string> vocabulary, TokenizerOptions options, string source)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxInputCharactersPerWord, 1, nameof(options));
        Options = options;
        ModelTokens = [.. vocabulary];
        _ids = IndexVocabulary(vocabulary, source);
        UnknownId = RequireToken(options.UnknownToken, source);
        _wordPieces = new WordPieces(vocabulary, _ids, options);

        List<string> tokens = [.. vocabulary];
        _ids = new Dictionary<string, int>(_ids, StringComparer.Ordinal);
        string[] special = [options.PaddingToken, options.UnknownToken, options.ClassifyToken, options.SeparatorToken, options.MaskToken];
        IEnumerable<AddedToken> addedTokens = options.AddedTokens
            ?? special.Distinct().Where(_ids.ContainsKey).Select(content => new AddedToken(content));
        foreach (AddedToken token in addedTokens.Where(token => token.Content.Length > 0))
        {
            if (_ids.TryAdd(token.Content, tokens.Count))
            {
                tokens.Add(token.Content);
            }

            _addedTokens.Add((token, _ids[token.Content]));
        }

        _addedTokens.Sort((left, right) => left.Id.CompareTo(right.Id));

        _tokens = [.. tokens];
        ClassifyId = RequireToken(options.ClassifyToken, source);
        SeparatorId = RequireToken(options.SeparatorToken, source);
        PaddingId = _ids.TryGetValue(options.PaddingToken, out int padding) ? padding : null;
        MaskId = _ids.TryGetValue(options.MaskToken, out int mask) ? mask : null;
        _specialIds = [.. _addedTokens.Where(added => added.Token.Special).Select(added => added.Id)];
        _normalizer = new BertNormalizer(options);
        _givenMatcher = new AddedTokenMatcher(
            _addedTokens.Where(added => !added.Token.Normalized).Select(added => (added.Token.Content, added.Token, added.Id)));
        _normalizedMatcher = new AddedTokenMatcher(
            _addedTokens.Where(added => added.Token.Normalized)
                .Select(added => (Normalize(added.Token.Content), added.Token, added.Id))
                .Where(pattern => pattern.Item1.Length > 0));
    }

    /// <summary>The options that the tokenizer was made with.</summary>
    public TokenizerOptions Options { get; }

    /// <summary>How many ids there are: the vocabulary's and those of the tokens added to it.</summary>
    public int VocabularySize => _tokens.Length;

    /// <summary>The id that opens every sentence.</summary>
    public int ClassifyId { get; }

    /// <summary>The id that closes every sentence.</summary>
    public int SeparatorId { get; }

    /// <summary>The id of a word that cannot be spelled.</summary>
    public int UnknownId { get; }

    /// <summary>The id that pads, or null where the vocabulary has none.</summary>
    public int? PaddingId { get; }

    /// <summary>The id that masks, or null where the vocabulary has none.</summary>
    public int? MaskId { get; }

    /// <summary>The greatest sentence length in tokens that the tokenizer's files name, or null where they name none.</summary>
    public int? ModelMaxLength => Options.ModelMaxLength;

    /// <summary>The tokens that words are spelled with, in the order of their ids; added tokens follow them.</summary>
    internal IReadOnlyList<string> ModelTokens { get; }

    /// <summary>The tokens that are found in the text as they stand, in the order of their ids.</summary>
    internal IReadOnlyList<(AddedToken Token, int Id)> AddedTokens => _addedTokens;

    /// <summary>The ids of a text, the opening and closing tokens included.</summary>
    /// <param name="text">The text.</param>
    /// <param name="maxLength">The greatest number of ids, at least 2; the text's last tokens are cut to keep it. Null cuts nothing.</param>
    public int[] Encode(ReadOnlySpan<char> text, int? maxLength = null)
    {
        List<int> tokenIds = [];
        Encode(text, tokenIds, maxLength);
        return [.. tokenIds];
    }

    /// <summary>Adds the ids of a text, the opening and closing tokens included, to a list.</summary>
    /// <param name="text">The text.</param>
    /// <param name="tokenIds">The list to add to.</param>
    /// <param name="maxLength">The greatest number of ids, at least 2; the text's last tokens are cut to keep it. Null cuts nothing.</param>
    /// <returns>Whether anything was cut.</returns>
    public bool Encode(ReadOnlySpan<char> text, List<int> tokenIds, int? maxLength = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength ?? 2, 2, nameof(maxLength));
        tokenIds.Add(ClassifyId);
        int limit = maxLength is null ? int.MaxValue : checked(tokenIds.Count + maxLength.Value - 2);
        AppendText(text, tokenIds, limit);
        bool isTruncated = tokenIds.Count > limit;
        if (isTruncated)
        {
            tokenIds.RemoveRange(limit, tokenIds.Count - limit);
        }

        tokenIds.Add(SeparatorId);
        return isTruncated;
    }

    /// <summary>The tokens that ids stand for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary.</exception>
    public string[] Tokens(ReadOnlySpan<int> tokenIds)
    {
        string[] tokens = new string[tokenIds.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)tokenIds[i], (uint)_tokens.Length, nameof(tokenIds));
            tokens[i] = _tokens[tokenIds[i]];
        }

        return tokens;
    }

    /// <summary>The id of a token, or null where the vocabulary has no such token.</summary>
    public int? IdOf(string token)
    {
        return _ids.TryGetValue(token, out int id) ? id : null;
    }

    /// <summary>
    /// The text that ids spell: pieces joined to words, words parted by spaces, and the spaces before punctuation and around
    /// apostrophes closed up where the options say so, all as transformers does. What normalisation did to the text stays.
    /// </summary>
    /// <param name="tokenIds">The ids.</param>
    /// <param name="skipSpecialTokens">Leave out special tokens such as [CLS].</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> tokenIds, bool skipSpecialTokens = true)
    {
        string prefix = Options.ContinuingSubwordPrefix;
        string[] tokens = Tokens(tokenIds);
        StringBuilder text = new();
        bool isFirst = true;
        for (int i = 0; i < tokens.Length; i++)
        {
            if (skipSpecialTokens && _specialIds.Contains(tokenIds[i]))
            {
                continue;
            }

            if (isFirst)
            {
                text.Append(tokens[i]);
            }
            else if (tokens[i].StartsWith(prefix, StringComparison.Ordinal))
            {
                text.Append(tokens[i], prefix.Length, tokens[i].Length - prefix.Length);
            }
            else
            {
                text.Append(' ').Append(tokens[i]);
            }

            isFirst = false;
        }

        if (Options.CleanUpSpaces)
        {
            text.Replace(" .", ".").Replace(" ?", "?").Replace(" !", "!").Replace(" ,", ",").Replace(" ' ", "'")
                .Replace(" n't", "n't").Replace(" 'm", "'m").Replace(" 's", "'s").Replace(" 've", "'ve").Replace(" 're", "'re");
        }

        return text.ToString();
    }

    private string Normalize(string text)
    {
        NormalizedText normalized = new();
        _normalizer.Normalize(text, normalized);
        return normalized.Characters.ToString();
    }

    // Each of the next four stops once there are more ids than the limit: then the text is certain to be truncated there.
    private void AppendText(ReadOnlySpan<char> text, List<int> ids, int limit)
    {
        int taken = 0;
        int search = 0;
        while (ids.Count <= limit && _givenMatcher.TryFind(text, taken, ref search, out AddedTokenMatch match))
        {
            AppendPlainText(text[taken..match.Start], ids, limit);
            ids.Add(match.Id);
            taken = match.End;
        }

        AppendPlainText(text[taken..], ids, limit);
    }

    private void AppendPlainText(ReadOnlySpan<char> text, List<int> ids, int limit)
    {
        NormalizedText normalized = _normalizedText ??= new NormalizedText();
        while (!text.IsEmpty && ids.Count <= limit)
        {
            int length = text.Length;
            if (length > PieceLength && _normalizedMatcher.IsEmpty && text[PieceLength..].IndexOf(' ') is >= 0 and int ahead)
            {
                // A space is a word's end and the end of what canonical ordering sorts, so nothing is changed by a cut there.
                length = PieceLength + ahead;
            }

            normalized.Clear();
            _normalizer.Normalize(text[..length], normalized);
            AppendNormalizedText(normalized.Characters, ids, limit);
            text = text[length..];
        }
    }

    private void AppendNormalizedText(ReadOnlySpan<char> text, List<int> ids, int limit)
    {
        int taken = 0;
        int search = 0;
        while (ids.Count <= limit && _normalizedMatcher.TryFind(text, taken, ref search, out AddedTokenMatch match))
        {
            AppendWords(text[taken..match.Start], ids, limit);
            ids.Add(match.Id);
            taken = match.End;
        }

        AppendWords(text[taken..], ids, limit);
    }

    private void AppendWords(ReadOnlySpan<char> text, List<int> ids, int limit)
    {
        int wordStart = 0;
        int position = 0;
        while (position < text.Length && ids.Count <= limit)
        {
            int width = 1;
            CharacterKind kind;
            char character = text[position];
            if (character < AsciiKinds.Length)
            {
                kind = AsciiKinds[character];
            }
            else
            {
                Rune.DecodeFromUtf16(text[position..], out Rune rune, out width);
                kind = KindOf(rune.Value);
            }

            if (kind != CharacterKind.Word)
            {
                if (position > wordStart)
                {
                    _wordPieces.Append(text[wordStart..position], ids);
                }

                if (kind == CharacterKind.Punctuation)
                {
                    _wordPieces.Append(text.Slice(position, width), ids);
                }

                wordStart = position + width;
            }

            position += width;
        }

        if (wordStart < position && ids.Count <= limit)
        {
            _wordPieces.Append(text[wordStart..position], ids);
        }
    }

    private static CharacterKind KindOf(int codePoint)
    {
        CodePointTraits traits = UnicodeTables.TraitsOf(codePoint);
        return (traits & CodePointTraits.Whitespace) != 0 ? CharacterKind.Whitespace
            : (traits & CodePointTraits.Punctuation) != 0 ? CharacterKind.Punctuation
            : CharacterKind.Word;
    }

    private int RequireToken(string token, string source)
    {
        return _ids.TryGetValue(token, out int id) ? id : throw new InputException(
            $"{source} has no token \"{token}\" among its {_ids.Count} tokens");
    }

    private static Dictionary<string, int> IndexVocabulary(IReadOnlyList<string> vocabulary, string source)
    {
        Dictionary<string, int> ids = new(vocabulary.Count, StringComparer.Ordinal);
        for (int id = 0; id < vocabulary.Count; id++)
        {
            string token = vocabulary[id];
            if (token.AsSpan().ContainsAny('\r', '\n'))
            {
                throw new InputException($"token {id} of {source} holds a line break, which vocab.txt has no place for");
            }

            if (!ids.TryAdd(token, id))
            {
                throw new InputException($"tokens {ids[token]} and {id} of {source}, counted from 0, are both \"{token}\"");
            }
        }

        return ids;
    }
}
