using System.Globalization;

namespace MnrEngine.Trainer.Profiling;

/// <summary>Training steps from one to another, both included.</summary>
/// <param name="First">The first, at least 1.</param>
/// <param name="Last">The last, at least the first.</param>
internal sealed record StepRange(int First, int Last)
{
    /// <summary>Reads what was given on the command line: <c>steps=20..25</c>, <c>steps=20</c>, or without <c>steps=</c>.</summary>
    /// <param name="option">The option, for the message.</param>
    /// <param name="text">What was given to it.</param>
    /// <exception cref="InputException">It is no range of steps.</exception>
    public static StepRange Parse(string option, string text)
    {
        const string Prefix = "steps=";
        string[] ends = (text.StartsWith(Prefix, StringComparison.Ordinal) ? text[Prefix.Length..] : text).Split("..");
        if (ends.Length > 2 || !Number(ends[0], out int first) || !Number(ends[^1], out int last))
        {
            throw new InputException($"{option} is '{text}', but has to be steps=FIRST..LAST with two numbers from 1, such as steps=20..25");
        }

        return last >= first ? new StepRange(first, last) : throw new InputException($"{option} is '{text}', but its last step comes before its first");
    }

    /// <summary>Whether a training step is one of them.</summary>
    public bool Contains(int step) => step >= First && step <= Last;

    private static bool Number(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;
}
