namespace MnrEngine.Text;

/// <summary>
/// The text that a normalizer has written so far, and the combining characters it still holds back to put them in canonical order.
/// Reused from text to text.
/// </summary>
internal sealed class NormalizedText
{
    private readonly List<(int CombiningClass, int CodePoint)> _held = [];
    private char[] _characters = new char[1024];
    private int _length;

    /// <summary>What was written since <see cref="Clear"/>.</summary>
    public ReadOnlySpan<char> Characters => _characters.AsSpan(0, _length);

    /// <summary>The combining characters that wait for the next that does not combine.</summary>
    public List<(int CombiningClass, int CodePoint)> Held => _held;

    /// <summary>Forgets everything written.</summary>
    public void Clear()
    {
        _length = 0;
        _held.Clear();
    }

    /// <summary>Room for <paramref name="count"/> more characters, which count as written.</summary>
    public Span<char> Extend(int count)
    {
        if (_characters.Length - _length < count)
        {
            Array.Resize(ref _characters, Math.Max(_length + count, _characters.Length * 2));
        }

        _length += count;
        return _characters.AsSpan(_length - count, count);
    }

    /// <summary>Writes one UTF-16 unit.</summary>
    public void Append(char character)
    {
        if (_length == _characters.Length)
        {
            Array.Resize(ref _characters, _characters.Length * 2);
        }

        _characters[_length++] = character;
    }

    /// <summary>Writes one code point.</summary>
    public void Append(int codePoint)
    {
        if (codePoint < 0x10000)
        {
            Append((char)codePoint);
        }
        else
        {
            Append((char)(0xD800 + ((codePoint - 0x10000) >> 10)));
            Append((char)(0xDC00 + (codePoint & 0x3FF)));
        }
    }
}
