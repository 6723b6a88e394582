using System.Text.Json;
using System.Text.Json.Nodes;
using MnrEngine.Trainer.Tests.Runs;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Profiling;

public sealed class TraceTests
{
    private const int Layers = 2;

    private static readonly string[] Attention = ["Linear", "Attention", "LinearDropoutAddNorm"];
    private static readonly string[] FeedForward = ["LinearActivation", "LinearDropoutAddNorm"];

    [Test]
    public void EveryOperationOfAStepIsThereInItsPlace()
    {
        using TinyRun run = new();
        string trace = run.Folder.File("trace.json");

        Outcome outcome = run.Train("--set", "max_steps=3", "--trace", trace);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        List<Event> events = Read(trace);
        Assert.That(events.Where(static e => e.Category == "step").Select(static e => e.Name), Is.EqualTo((string[])["step 1", "step 2", "step 3"]));
        Assert.That(Paths(events).Where(static path => path.StartsWith("step 2/", StringComparison.Ordinal) && path.Count(static c => c == '/') > 1), Is.EqualTo(ExpectedPaths("step 2")));
    }

    [Test]
    public void EventsLieInOneAnotherAndNeverCross()
    {
        using TinyRun run = new();
        string trace = run.Folder.File("trace.json");
        run.Train("--set", "max_steps=3", "--set", "gradient_accumulation_steps=2", "--trace", trace);

        List<Event> events = Read(trace);

        Assert.That(events, Has.Count.GreaterThan(100));
        Assert.Multiple(() =>
        {
            Stack<Event> open = [];
            foreach (Event next in events)
            {
                while (open.TryPeek(out Event? last) && last.End <= next.Begin && (last.End < next.Begin || last.Depth >= next.Depth))
                {
                    open.Pop();
                }

                Assert.That(next.Begin, Is.GreaterThanOrEqualTo(0));
                Assert.That(next.End, Is.GreaterThanOrEqualTo(next.Begin));
                if (open.TryPeek(out Event? parent))
                {
                    Assert.That(next.End, Is.LessThanOrEqualTo(parent.End), $"{next.Name} in {parent.Name}");
                    Assert.That(next.Depth, Is.GreaterThan(parent.Depth), $"{next.Name} in {parent.Name}");
                }

                open.Push(next);
            }
        });
    }

    [Test]
    public void OperationsSayWhatTheyHadToDo()
    {
        using TinyRun run = new();
        string trace = run.Folder.File("trace.json");
        run.Train("--set", "max_steps=1", "--trace", trace);

        JsonArray events = JsonNode.Parse(File.ReadAllText(trace))!["traceEvents"]!.AsArray();

        JsonNode linear = events.First(static e => (string)e!["name"]! == "Linear")!;
        Assert.That((string)events[1]!["args"]!["name"]!, Does.StartWith("CPU, "));
        Assert.That((long)linear["args"]!["flops"]!, Is.Positive);
        Assert.That((long)linear["args"]!["bytes"]!, Is.Positive);
    }

    [Test]
    public void OnlyTheStepsAskedForAreThere()
    {
        using TinyRun run = new();
        run.Config["evaluation"] = new JsonObject { ["sts"] = TrainCommandTests.WriteSts(run) };
        string trace = run.Folder.File("trace.json");

        run.Train("--trace", trace, "--trace-steps", "4..5");

        Assert.That(Read(trace).Where(static e => e.Category == "step").Select(static e => e.Name), Is.EqualTo((string[])["step 4", "step 5"]));
    }

    [Test]
    public void EvaluationsAreThereToo()
    {
        using TinyRun run = new();
        run.Config["evaluation"] = new JsonObject { ["sts"] = TrainCommandTests.WriteSts(run) };
        string trace = run.Folder.File("trace.json");

        run.Train("--set", "max_steps=1", "--trace", trace);

        Assert.That(Paths(Read(trace)), Has.Member("encode/forward/embeddings/EmbedNorm").And.Member("step 1/forward/embeddings/EmbedNorm"));
    }

    [Test]
    public void TracingChangesNoWeight()
    {
        using TinyRun plain = new();
        using TinyRun traced = new();

        Outcome first = plain.Train();
        Outcome second = traced.Train("--trace", traced.Folder.File("trace.json"));

        Assert.That((first.ExitCode, second.ExitCode), Is.EqualTo((0, 0)));
        Assert.That(traced.Weights(), Is.EqualTo(plain.Weights()));
    }

    [Test]
    public void ATraceThatCanNotBeWrittenIsFoundBeforeTheRun()
    {
        using TinyRun run = new();

        Outcome folder = run.Train("--trace", run.Folder.Path);
        Outcome inside = run.Train("--trace", Path.Combine(run.Folder.Write("a-file", ""), "trace.json"));

        Assert.That((folder.ExitCode, inside.ExitCode), Is.EqualTo((2, 2)));
        Assert.That(folder.Error, Does.Contain("is a folder"));
        Assert.That(inside.Error, Does.Contain("--trace").And.Contain("can't be written"));
        Assert.That(Directory.Exists(run.Output), Is.False);
    }

    [Test]
    public void AnEarlierFileIsReplacedAndNothingIsLeftBesideIt()
    {
        using TinyRun run = new();
        string trace = run.Folder.Write(Path.Combine("traces", "trace.json"), "something else");

        run.Train("--set", "max_steps=1", "--trace", trace);

        Assert.That(Read(trace), Is.Not.Empty);
        Assert.That(Directory.GetFileSystemEntries(Path.GetDirectoryName(trace)!), Is.EqualTo((string[])[trace]));
    }

    [TestCase("--profile", "steps=20-25", "such as steps=20..25")]
    [TestCase("--trace-steps", "3..4", "there is no --trace")]
    public void AWrongOptionIsOneSentenceAndExitCode2(string option, string value, string named)
    {
        using TinyRun run = new();

        Outcome outcome = run.Train(option, value);

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.StartWith($"error: {option} ").And.Contain(named));
        Assert.That(outcome.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
    }

    [Test]
    public void TheProfilerNeedsCuda()
    {
        using TinyRun run = new();

        Outcome outcome = run.Train("--profile", "steps=2..3", "--set", "device=cpu");

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain("needs CUDA, but this run is on CPU").And.Contain("--trace works everywhere"));
        Assert.That(Directory.Exists(run.Output), Is.False);
    }

    private static IEnumerable<string> ExpectedPaths(string step)
    {
        List<string> forward = ["embeddings/EmbedNorm"];
        for (int layer = 0; layer < Layers; layer++)
        {
            forward.AddRange(Attention.Select(operation => $"attention {layer}/{operation}"));
            forward.AddRange(FeedForward.Select(operation => $"feed-forward {layer}/{operation}"));
        }

        forward.Add("pooling/Pool");
        IEnumerable<string> all = ((string[])["upload/Write", "upload/Upload", "upload/Write"])
            .Concat(forward.Select(static path => $"forward/{path}"))
            .Append("forward/loss/RankingLoss")
            .Concat(Enumerable.Reverse(forward).Select(static path => $"backward/{path}Backward"))
            .Concat(["optimizer/GlobalNorm", "optimizer/Adam", "optimizer/PublishWeights"]);
        string layers = "";
        foreach (string path in all)
        {
            string[] parts = path.Split('/');
            string layer = $"{step}/{parts[0]}/{parts[1]}";
            if (parts.Length == 3 && layer != layers)
            {
                yield return layer;
            }

            layers = parts.Length == 3 ? layer : "";
            yield return $"{step}/{path}";
        }
    }

    private static IEnumerable<string> Paths(List<Event> events)
    {
        List<string> path = [];
        foreach (Event next in events)
        {
            // An operation outside all layers lies directly in its phase.
            int depth = next.Category == "operation" && path.Count >= 3 && events.Exists(e => e.Category == "layer" && e.Name == path[2] && e.Begin <= next.Begin && next.End <= e.End) ? 3
                : next.Category == "operation" ? 2
                : next.Depth;
            path.RemoveRange(depth, path.Count - depth);
            path.Add(next.Name);
            yield return string.Join('/', path);
        }
    }

    private static List<Event> Read(string trace)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(trace));
        return
        [
            .. from e in document.RootElement.GetProperty("traceEvents").EnumerateArray()
               where e.GetProperty("ph").GetString() == "X"
               select new Event(e.GetProperty("name").GetString()!, e.GetProperty("cat").GetString()!, e.GetProperty("ts").GetDecimal(), e.GetProperty("dur").GetDecimal()),
        ];
    }

    /// <summary>A complete event; times in microseconds.</summary>
    private sealed record Event(string Name, string Category, decimal Begin, decimal Duration)
    {
        public decimal End => Begin + Duration;

        public int Depth => Array.IndexOf(["step", "phase", "layer", "operation"], Category);
    }
}
