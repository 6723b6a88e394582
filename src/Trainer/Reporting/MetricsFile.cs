using System.Text.Json;
using MnrEngine.Training;

namespace MnrEngine.Trainer.Reporting;

/// <summary>
/// metrics.jsonl: one JSON object a line, one for each step (<c>step, epoch, loss, lr, grad_norm, rows, tokens, seconds, time</c>) and for each evaluation
/// (<c>step, epoch, evaluation, primary, seconds, time</c> and its figures). A number that is not finite is written as null. It only grows, except that a
/// resumed run first cuts off what came after its checkpoint.
/// </summary>
internal sealed class MetricsFile : IDisposable
{
    private const string EvaluationKey = "evaluation";
    private static readonly string[] EvaluationKeys = ["step", "epoch", EvaluationKey, "primary", "seconds", "time"];

    private readonly FileStream _stream;

    private MetricsFile(FileStream stream)
    {
        _stream = stream;
    }

    /// <summary>Opens the file to go on after a step, and reads what happened up to it.</summary>
    /// <param name="path">The file; it need not exist.</param>
    /// <param name="lastStep">Lines of later steps are cut off, and so is a line that was only half written.</param>
    /// <param name="history">What the remaining lines say.</param>
    public static MetricsFile Open(string path, int lastStep, out RunHistory history)
    {
        history = new RunHistory();
        FileStream stream = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
        byte[] text = new byte[stream.Length];
        stream.ReadExactly(text);
        int kept = 0;
        for (int end = Array.IndexOf(text, (byte)'\n'); end >= 0; end = Array.IndexOf(text, (byte)'\n', kept))
        {
            if (!ReadLine(text.AsMemory(kept..end), lastStep, history))
            {
                break;
            }

            kept = end + 1;
        }

        stream.SetLength(kept);
        stream.Position = kept;
        return new MetricsFile(stream);
    }

    /// <summary>Adds a step.</summary>
    public void Add(StepRecord step, DateTimeOffset time) => WriteLine(json =>
    {
        json.WriteNumber("step", step.Step);
        WriteFinite(json, "epoch", Math.Round(step.Epoch, 6));
        WriteFinite(json, "loss", step.Loss);
        WriteFinite(json, "lr", step.LearningRate);
        WriteFinite(json, "grad_norm", step.GradientNorm);
        json.WriteNumber("rows", step.Rows);
        json.WriteNumber("tokens", step.Tokens);
        WriteFinite(json, "seconds", Math.Round(step.Seconds, 6));
        json.WriteNumber("time", UnixSeconds(time));
    });

    /// <summary>Adds an evaluation.</summary>
    public void Add(EvaluationRecord evaluation, DateTimeOffset time) => WriteLine(json =>
    {
        json.WriteNumber("step", evaluation.Step);
        WriteFinite(json, "epoch", Math.Round(evaluation.Epoch, 6));
        json.WriteString(EvaluationKey, evaluation.Name);
        json.WriteString("primary", evaluation.PrimaryMetric);
        foreach ((string key, double value) in evaluation.Figures)
        {
            WriteFinite(json, key, value);
        }

        WriteFinite(json, "seconds", Math.Round(evaluation.Seconds, 6));
        json.WriteNumber("time", UnixSeconds(time));
    });

    /// <summary>Hands what was added to the operating system, so that it outlives the process.</summary>
    public void Flush() => _stream.Flush();

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static bool ReadLine(ReadOnlyMemory<byte> line, int lastStep, RunHistory history)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement record = document.RootElement;
            int step = record.GetProperty("step").GetInt32();
            if (step > lastStep)
            {
                return false;
            }

            DateTimeOffset time = DateTimeOffset.UnixEpoch.AddSeconds(Number(record, "time"));
            if (record.TryGetProperty(EvaluationKey, out JsonElement evaluation))
            {
                history.Evaluations.Add((Evaluation(record, step, evaluation.GetString()!), time));
            }
            else
            {
                history.Steps.Add((Step(record, step), time));
            }

            return true;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return false;
        }
    }

    private static StepRecord Step(JsonElement record, int step) => new(
        step, Number(record, "epoch"), Number(record, "loss"), Number(record, "lr"), Number(record, "grad_norm"),
        record.GetProperty("rows").GetInt32(), record.GetProperty("tokens").GetInt32(), Number(record, "seconds"));

    private static EvaluationRecord Evaluation(JsonElement record, int step, string name)
    {
        Dictionary<string, double> figures = record.EnumerateObject()
            .Where(static property => !EvaluationKeys.Contains(property.Name))
            .ToDictionary(static property => property.Name, property => Number(record, property.Name));
        return new EvaluationRecord(step, Number(record, "epoch"), name, record.GetProperty("primary").GetString()!, figures, Number(record, "seconds"));
    }

    private static double Number(JsonElement record, string key)
    {
        JsonElement value = record.GetProperty(key);
        return value.ValueKind == JsonValueKind.Null ? double.NaN : value.GetDouble();
    }

    private static double UnixSeconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    private static void WriteFinite(Utf8JsonWriter json, string key, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumber(key, value);
        }
        else
        {
            json.WriteNull(key);
        }
    }

    private void WriteLine(Action<Utf8JsonWriter> writeKeys)
    {
        using (Utf8JsonWriter json = new(_stream))
        {
            json.WriteStartObject();
            writeKeys(json);
            json.WriteEndObject();
        }

        _stream.WriteByte((byte)'\n');
    }
}
