namespace MnrEngine.Data.Reading;

/// <summary>Makes equal texts one string: SNLI's premises occur three times each, and labels in every row.</summary>
internal sealed class TextPool
{
    private readonly HashSet<string> _texts;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    public TextPool()
    {
        _texts = new HashSet<string>(StringComparer.Ordinal);
        _lookup = _texts.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public string Intern(ReadOnlySpan<char> text)
    {
        if (!_lookup.TryGetValue(text, out string? known))
        {
            known = text.ToString();
            _texts.Add(known);
        }

        return known;
    }
}
