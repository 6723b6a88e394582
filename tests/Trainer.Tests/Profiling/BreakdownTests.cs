using System.Text.Json.Nodes;
using MnrEngine.Kernels.Tracing;
using MnrEngine.Testing;
using MnrEngine.Trainer.Benchmarks;
using MnrEngine.Trainer.Tests.Runs;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Profiling;

public sealed class BreakdownTests
{
    [Test]
    public void RowsAreMeansOverTheSteps()
    {
        LayerName first = new("attention", 0);
        LayerName second = new("attention", 1);
        OperationBreakdown breakdown = OperationBreakdown.Of(
        [
            new("Linear", first, StepPhase.Forward, 1, 0, 10, 12, new OperationCost(100, 1000)),
            new("Linear", second, StepPhase.Forward, 1, 0, 12, 13, new OperationCost(100, 1000)),
            new("Adam", null, StepPhase.Optimizer, 1, 0, 15, 16, new OperationCost(8, 9)),
            new("Linear", first, StepPhase.Forward, 2, 1, 20, 21, new OperationCost(300, 3000)),
        ]);

        Assert.That((breakdown.Steps, breakdown.Seconds), Is.EqualTo((2, 3.5)));
        Assert.That(breakdown.Rows, Is.EqualTo((BreakdownRow[])
        [
            new("forward", "attention", "Linear", 1.5, 2, 250, 2500),
            new("optimizer", "", "Adam", 0.5, 0.5, 4, 4.5),
        ]));
    }

    [Test]
    public void TheTableHasTimesSharesAndRates()
    {
        OperationBreakdown breakdown = new(3, 0.010, [new("forward", "attention", "Linear", 6, 0.004, 2e6, 8e6)]);

        string[] lines = breakdown.ToText("training, a step").Split('\n');

        Assert.Multiple(() =>
        {
            Assert.That(lines[0], Is.EqualTo("training, a step (3 timed): 10.00 ms"));
            Assert.That(Words(lines[1]), Is.EqualTo("phase layer operation calls ms share MB MFLOP GFLOP/s GB/s"));
            Assert.That(Words(lines[2]), Is.EqualTo("forward attention Linear 6 4.000 40.0 % 2.0 8.0 2.0 0.5"));
            Assert.That(Words(lines[3]), Is.EqualTo("(between operations) 0 6.000 60.0 % 0.0 0.0"));
            Assert.That(Words(lines[6]), Is.EqualTo("attention 6 4.000 40.0 % 2.0 8.0 2.0 0.5"));
        });
    }

    [Test]
    public void BenchPrintsTrainingAndEncoding()
    {
        using TinyRun run = new();
        string[] bench = ["bench", Fixtures.Path("models", "tiny-bert"), run.Folder.File("pairs.jsonl"), "--steps", "2", "--encode", "10", "--batch-size", "8", "--threads", "1"];

        Outcome plain = Program.Run(bench);
        Outcome text = Program.Run([.. bench, "--breakdown"]);
        Outcome json = Program.Run([.. bench, "--breakdown", "--json"]);

        Assert.That((plain.ExitCode, text.ExitCode, json.ExitCode), Is.EqualTo((0, 0, 0)), plain.Error + text.Error + json.Error);
        Assert.That(plain.Output, Does.Not.Contain("(between operations)"));
        Assert.That(text.Output, Does.Contain("training, a step (2 timed)").And.Contain("encoding, a batch (6 timed)").And.Contain("AttentionBackward"));
        JsonObject result = JsonNode.Parse(json.Output)!.AsObject();
        Assert.That((int)result["training_breakdown"]!["steps"]!, Is.EqualTo(2));
        Assert.That(result["training_breakdown"]!["rows"]!.AsArray().Select(static row => (string)row!["operation"]!), Has.Member("Adam"));
    }

    [Test]
    public void TheProductsOfTheBreakdownAreThoseOfTheBenchmark()
    {
        using TinyRun run = new();
        JsonObject result = JsonNode.Parse(Program.Run(
            "bench", Fixtures.Path("models", "tiny-bert"), run.Folder.File("pairs.jsonl"), "--steps", "2", "--encode", "0", "--batch-size", "8", "--breakdown", "--json").Output)!.AsObject();

        double products = (double)result["training"]!["flops_per_step"]!;
        double linear = result["training_breakdown"]!["rows"]!.AsArray().Where(static row => ((string)row!["operation"]!).StartsWith("Linear", StringComparison.Ordinal)).Sum(static row => (double)row!["flops"]!);
        Assert.That(linear, Is.GreaterThan(products).And.LessThan(1.3 * products), "the rest are bias, activation and LayerNorm, which count for more in a network as narrow as this");
    }

    private static string Words(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
