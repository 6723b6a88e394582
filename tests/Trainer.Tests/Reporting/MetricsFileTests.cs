using System.Text.Json.Nodes;
using MnrEngine.Trainer.Reporting;
using MnrEngine.Training;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Reporting;

public sealed class MetricsFileTests
{
    private static readonly DateTimeOffset Time = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    [Test]
    public void EachStepIsALineWithItsFigures()
    {
        using TemporaryFolder folder = new();

        Write(folder, Step(1));

        JsonObject line = JsonNode.Parse(File.ReadAllText(folder.File("metrics.jsonl")))!.AsObject();
        Assert.That(line.Select(static pair => pair.Key), Is.EqualTo(["step", "epoch", "loss", "lr", "grad_norm", "rows", "tokens", "seconds", "time"]));
        Assert.That(((int)line["step"]!, (double)line["loss"]!, (double)line["lr"]!, (double)line["grad_norm"]!, (int)line["tokens"]!), Is.EqualTo((1, 2.5, 1e-4, 3.25, 400)));
    }

    [Test]
    public void WhatWasWrittenIsReadBack()
    {
        using TemporaryFolder folder = new();
        Write(folder, Step(1), Evaluation(1), Step(2));

        using MetricsFile file = MetricsFile.Open(folder.File("metrics.jsonl"), lastStep: 2, out RunHistory history);

        Assert.That(history.Steps.Select(static s => s.Step), Is.EqualTo(new[] { Step(1), Step(2) }));
        Assert.That(history.Steps.Select(static s => s.Time), Is.All.EqualTo(Time));
        EvaluationRecord evaluation = history.Evaluations.Single().Evaluation;
        Assert.That((evaluation.Step, evaluation.Name, evaluation.PrimaryMetric, evaluation.Primary), Is.EqualTo((1, "dev", "dev_spearman_cosine", 0.75)));
        Assert.That(evaluation.Figures, Is.EqualTo(Evaluation(1).Figures));
    }

    [Test]
    public void AResumedRunCutsOffWhatCameAfterItsCheckpoint()
    {
        using TemporaryFolder folder = new();
        Write(folder, Step(1), Step(2), Evaluation(2), Step(3), Evaluation(3));

        using (MetricsFile file = MetricsFile.Open(folder.File("metrics.jsonl"), lastStep: 2, out _))
        {
            file.Add(Step(3) with { Loss = 9 }, Time);
        }

        JsonNode?[] lines = [.. File.ReadLines(folder.File("metrics.jsonl")).Select(static line => JsonNode.Parse(line))];
        Assert.That(lines.Select(static line => (int)line!["step"]!), Is.EqualTo([1, 2, 2, 3]));
        Assert.That((double)lines[^1]!["loss"]!, Is.EqualTo(9));
    }

    [TestCase("{\"step\":2,\"epo")]
    [TestCase("{\"step\":2}\n")]
    [TestCase("\0\0\0\0\n")]
    public void ALineThatAKilledRunLeftUnfinishedIsCutOff(string torn)
    {
        using TemporaryFolder folder = new();
        Write(folder, Step(1));
        string whole = File.ReadAllText(folder.File("metrics.jsonl"));
        File.AppendAllText(folder.File("metrics.jsonl"), torn);

        using (MetricsFile file = MetricsFile.Open(folder.File("metrics.jsonl"), lastStep: 100, out RunHistory history))
        {
            Assert.That(history.Steps, Has.Count.EqualTo(1));
        }

        Assert.That(File.ReadAllText(folder.File("metrics.jsonl")), Is.EqualTo(whole));
    }

    [Test]
    public void ANumberThatIsNotFiniteIsNull()
    {
        using TemporaryFolder folder = new();

        Write(folder, Step(1) with { Loss = double.NaN, GradientNorm = double.PositiveInfinity });

        JsonNode line = JsonNode.Parse(File.ReadAllText(folder.File("metrics.jsonl")))!;
        Assert.That((line["loss"], line["grad_norm"]), Is.EqualTo(((JsonNode?)null, (JsonNode?)null)));
    }

    private static StepRecord Step(int number) => new(number, number * 0.5, 2.5, 1e-4, 3.25, 64, 400, 0.125);

    private static EvaluationRecord Evaluation(int step) =>
        new(step, step * 0.5, "dev", "dev_spearman_cosine", new Dictionary<string, double> { ["dev_pearson_cosine"] = 0.5, ["dev_spearman_cosine"] = 0.75 }, 1.5);

    private static void Write(TemporaryFolder folder, params object[] records)
    {
        using MetricsFile file = MetricsFile.Open(folder.File("metrics.jsonl"), lastStep: 0, out _);
        foreach (object record in records)
        {
            if (record is StepRecord step)
            {
                file.Add(step, Time);
            }
            else
            {
                file.Add((EvaluationRecord)record, Time);
            }
        }
    }
}
