namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// How the tasks of attention, one for each sentence and head, are dealt out to threads: in runs of about equal cost. What a task writes
/// is its own, except for the gradient of a bias, which sums over sentences: then a thread takes whole heads.
/// </summary>
/// <param name="offsets">Where each sentence begins.</param>
/// <param name="sentences">Number of sentences.</param>
/// <param name="heads">Number of heads.</param>
/// <param name="parts">Number of runs.</param>
internal readonly unsafe struct AttentionTasks(int* offsets, int sentences, int heads, int parts)
{
    private readonly int* _offsets = offsets;

    /// <summary>Number of runs.</summary>
    public int Parts => parts;

    /// <summary>Tasks of a sentence.</summary>
    public int Heads => heads;

    /// <summary>The first token of a sentence; the one after the last begins where all end.</summary>
    public int FirstToken(int sentence) => _offsets[sentence];

    /// <summary>The number of tokens of a sentence.</summary>
    public int Length(int sentence) => _offsets[sentence + 1] - _offsets[sentence];

    /// <summary>The number that dropout gives to element (0, 0) of the first head of a sentence: heads * l^2 summed over the sentences before.</summary>
    public long FirstElement(int sentence)
    {
        long element = 0;
        for (int before = 0; before < sentence; before++)
        {
            element += (long)heads * Length(before) * Length(before);
        }

        return element;
    }

    /// <summary>The first task of a run: its sentence and head. Run number <see cref="Parts"/> begins behind the last sentence.</summary>
    public (int Sentence, int Head) First(int part)
    {
        long total = 0;
        for (int sentence = 0; sentence < sentences; sentence++)
        {
            total += heads * Cost(Length(sentence));
        }

        long start = (total * part + parts - 1) / parts;
        for (int sentence = 0; sentence < sentences; sentence++)
        {
            long cost = Cost(Length(sentence));
            if (start < heads * cost)
            {
                int head = (int)((start + cost - 1) / cost);
                return head == heads ? (sentence + 1, 0) : (sentence, head);
            }

            start -= heads * cost;
        }

        return (sentences, 0);
    }

    /// <summary>Products grow with the square of the length, copies with the length.</summary>
    private static long Cost(int length) => length * (length + 16L);
}
