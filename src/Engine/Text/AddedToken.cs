namespace MnrEngine.Text;

/// <summary>A token that is found in the text as it stands, such as [MASK], instead of being spelled by the vocabulary.</summary>
/// <param name="Content">The text that is the token.</param>
public sealed record AddedToken(string Content)
{
    /// <summary>Found only where no letter, digit, mark or underscore touches it.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Takes the white space to its left along.</summary>
    public bool LeftStrip { get; init; }

    /// <summary>Takes the white space to its right along.</summary>
    public bool RightStrip { get; init; }

    /// <summary>Looked for, normalised like the text, in the normalised text; otherwise in the text as given.</summary>
    public bool Normalized { get; init; }

    /// <summary>Left out when ids are decoded.</summary>
    public bool Special { get; init; } = true;
}
