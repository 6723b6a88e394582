using MnrEngine.Kernels;

namespace MnrEngine.Losses;

/// <summary>
/// A loss over the columns of a batch, with sentence-transformers' name and parameters. This describes it; <see cref="Plan"/> makes what computes it.
/// </summary>
public abstract record SentenceLoss
{
    /// <summary>The loss's name in sentence-transformers.</summary>
    public string Name => GetType().Name;

    /// <summary>What it needs to know of each row besides the texts.</summary>
    public abstract LabelKind Labels { get; }

    /// <summary>Whether it takes exactly two columns of texts; otherwise two or more: anchors, positives, and any hard negatives.</summary>
    public virtual bool TakesPairs => true;

    /// <summary>Whether it makes use of hard negatives in such a way that it needs some.</summary>
    public virtual bool NeedsNegatives => false;

    /// <summary>Checks the parameters against the width of the embeddings.</summary>
    /// <exception cref="InputException">They don't fit.</exception>
    public virtual void CheckDimension(int dimension)
    {
    }

    /// <summary>Reserves what the loss needs for batches up to a size.</summary>
    public abstract PlannedLoss Plan(in LossPlan plan);

    /// <summary>Checks that a data set has what the loss needs.</summary>
    /// <param name="columns">The names of its columns of texts.</param>
    /// <param name="labels">What its labels are.</param>
    /// <exception cref="InputException">It has not.</exception>
    public void CheckData(IReadOnlyList<string> columns, LabelKind labels)
    {
        if (Labels != LabelKind.None && labels != Labels)
        {
            string needed = Labels == LabelKind.Class ? "a class (such as entailment, neutral and contradiction, or 0, 1 and 2)" : "a similarity score";
            throw new InputException($"{Name} needs {needed} for each row, but the data has no label column: name it with data.label_column");
        }

        string found = $"the data has {columns.Count} ({string.Join(", ", columns)})";
        if (columns.Count < 2 || (TakesPairs && columns.Count > 2))
        {
            throw new InputException($"{Name} compares {(TakesPairs ? "two" : "two or more")} columns of texts, but {found}: choose them with data.columns");
        }

        if (NeedsNegatives && columns.Count < 3)
        {
            throw new InputException($"{Name} is to penalise hard negatives, which are the third column of texts and those behind it, but {found}");
        }
    }
}

/// <summary>For what a loss is to be planned.</summary>
/// <param name="Kernels">The device.</param>
/// <param name="Sentences">The most sentences of a batch, all columns together.</param>
/// <param name="Columns">Columns of texts.</param>
/// <param name="Dimension">The width of an embedding.</param>
/// <param name="Seed">The seed of what the loss draws.</param>
public readonly record struct LossPlan(IKernels Kernels, int Sentences, int Columns, int Dimension, long Seed);
