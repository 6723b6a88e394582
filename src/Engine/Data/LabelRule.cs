namespace MnrEngine.Data;

/// <summary>What the labels of a data set have to be.</summary>
/// <param name="AreScores">Whether they are numbers, so that -1 is one as well; otherwise it means that annotators did not agree.</param>
/// <param name="Problem">Says of a label what is wrong with it and what was expected, or null; asked once for each different label of a file.</param>
public sealed record LabelRule(bool AreScores, Func<string, string?> Problem);
