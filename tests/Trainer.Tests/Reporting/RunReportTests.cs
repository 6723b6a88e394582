using MnrEngine.Trainer.Reporting;
using MnrEngine.Training;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Reporting;

public sealed class RunReportTests
{
    [TestCase(0, "all sentences are tokenised")]
    [TestCase(12_345, "all sentences are tokenised; 12,345 were cut at the maximum length")]
    public void ItIsToldWhenALargeDataSetIsTokenised(int truncated, string expected)
    {
        Messages messages = new();
        using RunReport report = new(new OutputFolder("nowhere"), "title", messages);
        report.Tokenized(truncated);
        Assert.That(messages.Lines, Is.EqualTo([expected]));
    }

    private sealed class Messages : IRunDisplay
    {
        public List<string> Lines { get; } = [];

        public T Run<T>(Func<T> training) => training();

        public void Started(RunPlan plan)
        {
        }

        public void StepsFinished(IReadOnlyList<StepRecord> steps)
        {
        }

        public void Message(string line) => Lines.Add(line);
    }
}
