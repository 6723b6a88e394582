namespace MnrEngine.Text;

public sealed partial class WordPieceTokenizer
{
    /// <summary>The tokenizer of a model folder: tokenizer.json where there is one, else vocab.txt with its settings.</summary>
    /// <exception cref="InputException">
    /// The folder holds no tokenizer of BERT's kind, or its files are malformed or contradict each other.
    /// </exception>
    public static WordPieceTokenizer Load(string folder)
    {
        (List<string> vocabulary, TokenizerOptions options, string source) = TokenizerFolder.Read(folder);
        return new WordPieceTokenizer(vocabulary, options, source);
    }

    /// <summary>A tokenizer for a vocab.txt, which has one token a line.</summary>
    /// <exception cref="InputException">The file cannot be read, or its vocabulary is none: see the constructor.</exception>
    public static WordPieceTokenizer FromVocabulary(string vocabularyPath, TokenizerOptions? options = null)
    {
        return new WordPieceTokenizer(VocabularyFile.Read(vocabularyPath), options ?? TokenizerOptions.Bert, vocabularyPath);
    }

    /// <summary>
    /// A tokenizer of MPNet's kind for a vocab.txt: MPNet's, or BERT's, around which MPNet's special tokens are then put as microsoft/mpnet-base has
    /// them: &lt;s&gt;, &lt;pad&gt;, &lt;/s&gt; and &lt;unk&gt; before it, &lt;mask&gt; behind it.
    /// </summary>
    /// <exception cref="InputException">The file cannot be read, or its vocabulary is none: see the constructor.</exception>
    public static WordPieceTokenizer ForMpnet(string vocabularyPath, TokenizerOptions? options = null)
    {
        options ??= TokenizerOptions.Mpnet;
        List<string> vocabulary = VocabularyFile.Read(vocabularyPath);
        List<string> all = vocabulary.Contains(options.ClassifyToken)
            ? vocabulary : [options.ClassifyToken, options.PaddingToken, options.SeparatorToken, "<unk>", .. vocabulary, options.MaskToken];
        return new WordPieceTokenizer(all, options, vocabularyPath);
    }

    /// <summary>The tokenizer that a tokenizer.json describes. Its truncation and padding count for nothing.</summary>
    /// <exception cref="InputException">The file cannot be read, is malformed or describes no tokenizer of BERT's kind.</exception>
    public static WordPieceTokenizer FromTokenizerJson(string path)
    {
        (List<string> vocabulary, TokenizerOptions options) = TokenizerJson.Read(path);
        return new WordPieceTokenizer(vocabulary, options, path);
    }

    /// <summary>
    /// Writes vocab.txt, tokenizer.json, tokenizer_config.json and special_tokens_map.json, which transformers from version 2 on
    /// load, and added_tokens.json where tokens were added to the vocabulary.
    /// </summary>
    /// <param name="folder">A folder that exists; files of these names are replaced.</param>
    /// <param name="maxLength">The greatest sentence length in tokens, for tokenizer_config.json.</param>
    public void Save(string folder, int maxLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 2);
        new TokenizerWriter(this, maxLength).Write(folder);
    }
}
