using WordPieceModel = Microsoft.ML.Tokenizers.WordPieceTokenizer;

namespace MnrEngine.Text;

/// <summary>
/// WordPiece itself: the ids of one word, cut greedily into the longest pieces that the vocabulary holds. A word that the vocabulary
/// holds whole, as most are, is looked up here; the others are cut by Microsoft.ML.Tokenizers, whose result costs a list each.
/// </summary>
internal sealed class WordPieces
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _ids;
    private readonly WordPieceModel _model;
    private readonly int _longestWord;
    private readonly int _unknownId;

    /// <summary>Pieces from a vocabulary, whose tokens hold no line break and are all different.</summary>
    public WordPieces(IReadOnlyList<string> vocabulary, Dictionary<string, int> ids, TokenizerOptions options)
    {
        _ids = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        _longestWord = options.MaxInputCharactersPerWord;
        _unknownId = ids[options.UnknownToken];
        using MemoryStream lines = new();
        using (StreamWriter writer = new(lines, leaveOpen: true) { NewLine = "\n" })
        {
            foreach (string token in vocabulary)
            {
                writer.WriteLine(token);
            }
        }

        lines.Position = 0;
        _model = WordPieceModel.Create(lines, new()
        {
            UnknownToken = options.UnknownToken,
            ContinuingSubwordPrefix = options.ContinuingSubwordPrefix,

            // It counts UTF-16 units where the reference counts code points, so the limit is kept here.
            MaxInputCharsPerWord = checked(2 * options.MaxInputCharactersPerWord),
        });
    }

    /// <summary>Adds the ids of a normalised word of at least one character.</summary>
    public void Append(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.Length > _longestWord && CountCodePoints(word) > _longestWord)
        {
            ids.Add(_unknownId);
        }
        else if (_ids.TryGetValue(word, out int id))
        {
            ids.Add(id);
        }
        else
        {
            ids.AddRange(_model.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
        }
    }

    private static int CountCodePoints(ReadOnlySpan<char> word)
    {
        int count = 0;
        foreach (char unit in word)
        {
            count += char.IsLowSurrogate(unit) ? 0 : 1;
        }

        return count;
    }
}
