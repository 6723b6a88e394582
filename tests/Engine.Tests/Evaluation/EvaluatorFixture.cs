using System.Text.Json;
using MnrEngine.Evaluation;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Evaluation;

/// <summary>A case of fixtures/evaluators: embeddings, an evaluator's settings, and what sentence-transformers' own evaluator gave for them (make.py there says more).</summary>
internal sealed class EvaluatorFixture
{
    private const string Folder = "evaluators";

    private readonly JsonElement _embeddings;
    private readonly JsonElement _case;

    private EvaluatorFixture(JsonElement embeddings, JsonElement @case)
    {
        _embeddings = embeddings;
        _case = @case;
    }

    /// <summary>The evaluator's name; may be empty.</summary>
    public string Evaluator => _case.GetProperty("evaluator").GetString()!;

    /// <summary>The similarity functions, in the order in which they were given; null where they were left to the model.</summary>
    public IReadOnlyList<SimilarityFunction>? Functions =>
        Setting("functions") is JsonElement names ? [.. names.EnumerateArray().Select(static name => EvaluationTexts.Parse(name.GetString()!))] : null;

    /// <summary>The figures, in the order in which they were returned.</summary>
    public IReadOnlyDictionary<string, double> Figures => _case.GetProperty("figures").EnumerateObject().ToDictionary(static figure => figure.Name, static figure => figure.Value.GetDouble());

    /// <summary>The key of the figure that tells which evaluation is best.</summary>
    public string PrimaryMetric => _case.GetProperty("primary_metric").GetString()!;

    /// <summary>What a second evaluation by the same evaluator had and gave, or null.</summary>
    public EvaluatorFixture? Again => _case.TryGetProperty("again", out JsonElement again) ? new EvaluatorFixture(_embeddings, again) : null;

    /// <summary>The CSV file after an evaluation outside training and another at epoch 0.5, step 7: its name and content; null where none was kept.</summary>
    public (string Name, string Content)? Csv =>
        _case.TryGetProperty("csv", out JsonElement csv) ? csv.EnumerateObject().Select(static file => (file.Name, file.Value.GetString()!)).Single() : null;

    /// <summary>The cases of a file as test cases of one argument, the case's name; a single ignored one where the folder of fixtures has no such file.</summary>
    public static IEnumerable<TestCaseData> Cases(string file)
    {
        string path = Path.Combine(Fixtures.Root, Folder, file);
        if (!File.Exists(path))
        {
            return [new TestCaseData("").Ignore($"there is no {Folder}/{file} in the folder of fixtures")];
        }

        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(path));
        return [.. json.RootElement.GetProperty("cases").EnumerateArray().Select(static one => new TestCaseData(one.GetProperty("name").GetString()))];
    }

    /// <summary>A case.</summary>
    public static EvaluatorFixture Load(string file, string name)
    {
        JsonElement root = JsonElement.Parse(File.ReadAllText(Fixtures.Path(Folder, file)));
        return new EvaluatorFixture(root.GetProperty("embeddings"), root.GetProperty("cases").EnumerateArray().Single(one => one.GetProperty("name").GetString() == name));
    }

    /// <summary>A setting, or null where it was left to the evaluator.</summary>
    public JsonElement? Setting(string name) => _case.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>Embeddings, row after row.</summary>
    public float[] Embeddings(string name)
    {
        JsonElement set = _embeddings.GetProperty(_case.GetProperty(name).GetString()!);
        double unit = set.GetProperty("unit").GetDouble();
        return [.. set.GetProperty("rows").EnumerateArray().SelectMany(row => row.EnumerateArray().Select(number => (float)(number.GetDouble() / unit)))];
    }

    /// <summary>The length of an embedding.</summary>
    public int Dimension(string name) => _embeddings.GetProperty(_case.GetProperty(name).GetString()!).GetProperty("rows")[0].GetArrayLength();
}
