using System.Text.Json.Nodes;
using MnrEngine.Testing;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>A folder with a config that trains the fixtures' tiny BERT on the rows of a recorded run.</summary>
internal sealed class TinyRun : IDisposable
{
    public TinyRun(string recorded = "fit-tiny-bert")
    {
        Recorded = JsonNode.Parse(File.ReadAllText(Fixtures.Path("training", $"{recorded}.json")))!.AsObject();
        IEnumerable<string> rows = Recorded["rows"]!.AsArray().Select(static row => new JsonObject { ["anchor"] = row![0]!.DeepClone(), ["positive"] = row[1]!.DeepClone() }.ToJsonString());
        Folder.Write("pairs.jsonl", string.Join("\n", rows));
        Config = new JsonObject
        {
            ["model"] = new JsonObject { ["path"] = Fixtures.Path("models", (string)Recorded["model"]!), ["max_seq_length"] = (int)Recorded["max_length"]! },
            ["data"] = "pairs.jsonl",
            ["batch_size"] = 16,
            ["max_steps"] = 10,
            ["learning_rate"] = 1e-3,
            ["output"] = "out",
            ["threads"] = 1,
        };
    }

    public TemporaryFolder Folder { get; } = new();

    /// <summary>What the reference did.</summary>
    public JsonObject Recorded { get; }

    /// <summary>The config; changes count when it is run.</summary>
    public JsonObject Config { get; }

    public string Output => Folder.File("out");

    public string ConfigPath => Folder.Write("config.json", Config.ToJsonString());

    public Outcome Train(params string[] more) => Program.Run(["train", ConfigPath, .. more]);

    /// <summary>The lines of metrics.jsonl about steps.</summary>
    public List<JsonObject> Steps() => [.. Lines().Where(static line => !line.ContainsKey("evaluation"))];

    /// <summary>The lines of metrics.jsonl about evaluations.</summary>
    public List<JsonObject> Evaluations() => [.. Lines().Where(static line => line.ContainsKey("evaluation"))];

    public byte[] Weights() => File.ReadAllBytes(Path.Combine(Output, "model", "model.safetensors"));

    public void Dispose() => Folder.Dispose();

    private IEnumerable<JsonObject> Lines() => File.ReadLines(Path.Combine(Output, "metrics.jsonl")).Select(static line => JsonNode.Parse(line)!.AsObject());
}
