using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace MnrEngine.Text;

public sealed partial class WordPieceTokenizer
{
    /// <summary>A short hash of all that decides which ids a text gets: vocabulary, added tokens and options.</summary>
    public string Hash()
    {
        XxHash128 hash = new();
        foreach (string token in ModelTokens)
        {
            Append(token);
        }

        foreach ((AddedToken token, int id) in _addedTokens)
        {
            Append($"{id} {token}");
        }

        // What is left out decides how ids are decoded and how the tokenizer is saved.
        Append($"{Options with { AddedTokens = null, ModelMaxLength = null, CleanUpSpaces = true, TokenizerClass = "" }}");
        return Convert.ToHexStringLower(hash.GetCurrentHash());

        void Append(string text)
        {
            hash.Append(MemoryMarshal.AsBytes<int>([text.Length]));
            hash.Append(MemoryMarshal.AsBytes(text.AsSpan()));
        }
    }
}
