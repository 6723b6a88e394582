namespace MnrEngine.Text;

/// <summary>
/// How a WordPiece tokenizer treats text, in the words of Hugging Face's BertTokenizer. The defaults are those of
/// bert-base-uncased.
/// </summary>
public sealed record TokenizerOptions
{
    /// <summary>BERT's own: [CLS], [SEP], [PAD], [UNK] and [MASK], lower-cased.</summary>
    public static TokenizerOptions Bert { get; } = new();

    /// <summary>DistilBERT's: BERT's under another name.</summary>
    public static TokenizerOptions DistilBert { get; } = new() { TokenizerClass = "DistilBertTokenizer" };

    /// <summary>MPNet's: the same WordPiece between &lt;s&gt; and &lt;/s&gt;.</summary>
    public static TokenizerOptions Mpnet { get; } = new()
    {
        TokenizerClass = "MPNetTokenizer",
        ClassifyToken = "<s>",
        SeparatorToken = "</s>",
        PaddingToken = "<pad>",
        MaskToken = "<mask>",
        AddedTokens =
        [
            new AddedToken("<s>"),
            new AddedToken("<pad>"),
            new AddedToken("</s>"),
            new AddedToken("[UNK]"),
            new AddedToken("<mask>") { LeftStrip = true },
        ],
    };

    /// <summary>Remove control characters and turn every kind of white space into a space.</summary>
    public bool CleanText { get; init; } = true;

    /// <summary>Lower-case the text.</summary>
    public bool Lowercase { get; init; } = true;

    /// <summary>Decompose the text and remove its accents; null follows <see cref="Lowercase"/>.</summary>
    public bool? StripAccents { get; init; }

    /// <summary>Make each Chinese character a word of its own.</summary>
    public bool TokenizeChineseChars { get; init; } = true;

    /// <summary>The token of a word that the vocabulary cannot spell.</summary>
    public string UnknownToken { get; init; } = "[UNK]";

    /// <summary>The token that opens every sentence.</summary>
    public string ClassifyToken { get; init; } = "[CLS]";

    /// <summary>The token that closes every sentence.</summary>
    public string SeparatorToken { get; init; } = "[SEP]";

    /// <summary>The token that fills up short sentences where batches are padded; this engine pads nothing.</summary>
    public string PaddingToken { get; init; } = "[PAD]";

    /// <summary>The token that masked-language training puts in a word's place.</summary>
    public string MaskToken { get; init; } = "[MASK]";

    /// <summary>What a token that continues a word begins with.</summary>
    public string ContinuingSubwordPrefix { get; init; } = "##";

    /// <summary>A word of more code points than this becomes <see cref="UnknownToken"/>.</summary>
    public int MaxInputCharactersPerWord { get; init; } = 100;

    /// <summary>
    /// The tokens to find in the text as they stand, before it is cut into words; those that the vocabulary lacks get the ids that
    /// follow it. Null stands for those of the five special tokens that the vocabulary holds.
    /// </summary>
    public IReadOnlyList<AddedToken>? AddedTokens { get; init; }

    /// <summary>Whether <see cref="WordPieceTokenizer.Decode"/> closes up the spaces before punctuation and contractions.</summary>
    public bool CleanUpSpaces { get; init; } = true;

    /// <summary>The greatest sentence length in tokens that the tokenizer's files name, or null where they name none.</summary>
    public int? ModelMaxLength { get; init; }

    /// <summary>The class of transformers that the tokenizer is saved for.</summary>
    public string TokenizerClass { get; init; } = "BertTokenizer";
}
