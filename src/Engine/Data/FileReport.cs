namespace MnrEngine.Data;

/// <summary>What became of the rows of one file. Every row read is kept or counted under one reason why not.</summary>
/// <param name="Path">The file.</param>
/// <param name="Read">Rows read: lines other than the header, or objects.</param>
/// <param name="Kept">Rows in the data set.</param>
/// <param name="Blank">Rows dropped because the line, or every text in it, is empty or white space.</param>
/// <param name="Unlabelled">Rows dropped because their label is -1, "-", empty or null: annotators didn't agree.</param>
/// <param name="OtherLabel">Rows dropped because their label isn't among those to keep.</param>
public sealed record FileReport(string Path, int Read, int Kept, int Blank, int Unlabelled, int OtherLabel)
{
    /// <summary>One line for a person: <c>train.tsv: 52,272 rows, 17,943 kept, 34,329 with another label</c>.</summary>
    public override string ToString()
    {
        List<string> parts = [FormattableString.Invariant($"{Path}: {Read:N0} {(Read == 1 ? "row" : "rows")}, {Kept:N0} kept")];
        Add(Blank, "blank");
        Add(Unlabelled, "without a label");
        Add(OtherLabel, "with another label");
        return string.Join(", ", parts);

        void Add(int count, string what)
        {
            if (count > 0)
            {
                parts.Add(FormattableString.Invariant($"{count:N0} {what}"));
            }
        }
    }
}
