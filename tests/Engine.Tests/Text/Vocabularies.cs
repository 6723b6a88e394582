using MnrEngine.Text;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>The vocabulary of bert-base-uncased in both of its forms, and small ones made for a test.</summary>
internal static class Vocabularies
{
    public static string Text { get; } = Path.Combine(AppContext.BaseDirectory, "vocab", "vocab.txt");

    public static string Json { get; } = Path.Combine(AppContext.BaseDirectory, "vocab", "tokenizer.json");

    /// <summary>A tokenizer with the special tokens, ids 0 to 4, and these tokens from 5 on.</summary>
    public static WordPieceTokenizer Small(TokenizerOptions options, params string[] tokens)
    {
        return new WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", .. tokens], options);
    }

    /// <summary>The tokens that a text becomes, without the first and the last, as one string.</summary>
    public static string TokensOf(this WordPieceTokenizer tokenizer, string text)
    {
        return string.Join(' ', tokenizer.Tokens(tokenizer.Encode(text))[1..^1]);
    }
}
