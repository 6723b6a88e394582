namespace MnrEngine.Losses;

/// <summary>What a loss needs to know of a row besides its texts.</summary>
public enum LabelKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A class, numbered from 0: for NLI entailment 0, neutral 1, contradiction 2.</summary>
    Class,

    /// <summary>A number that says how similar the texts are.</summary>
    Score,
}
