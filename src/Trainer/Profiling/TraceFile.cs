using System.Text.Json;
using MnrEngine.Kernels.Tracing;
using MnrEngine.Serialization;

namespace MnrEngine.Trainer.Profiling;

/// <summary>
/// A trace that chrome://tracing and ui.perfetto.dev open (Chrome's Trace Event Format, JSON object form): steps, in them phases, in them the parts of
/// the network, in them operations, each a complete event ("X") on one line; the times are in microseconds.
/// </summary>
internal sealed class TraceFile
{
    /// <summary>Operations kept: more than a viewer shows without trouble, and about 100 MB here.</summary>
    public const int MostOperations = 1_000_000;

    private const int Process = 1;
    private const int Thread = 1;

    private readonly string _path;
    private readonly string _device;
    private readonly List<TimedOperation> _operations = [];

    /// <summary>Prepares a trace; nothing is written yet.</summary>
    /// <param name="path">The file to write.</param>
    /// <param name="device">The name of the line: what the operations ran on.</param>
    /// <exception cref="InputException">No file can be made there.</exception>
    public TraceFile(string path, string device)
    {
        _path = path;
        _device = device;
        Check(path);
    }

    /// <summary>The file, from the root.</summary>
    public string FullPath => Path.GetFullPath(_path);

    /// <summary>The first step that is not in the trace because it is full.</summary>
    public int? FirstStepLeftOut { get; private set; }

    /// <summary>Adds operations, whole steps in the order in which they ran.</summary>
    public void Add(ReadOnlySpan<TimedOperation> operations)
    {
        foreach (TimedOperation operation in operations)
        {
            bool isNewStep = _operations.Count == 0 || _operations[^1].Batch != operation.Batch;
            if (FirstStepLeftOut is null && isNewStep && _operations.Count >= MostOperations)
            {
                FirstStepLeftOut = operation.Step ?? 0;
            }

            if (FirstStepLeftOut is null)
            {
                _operations.Add(operation);
            }
        }
    }

    /// <summary>Writes the file, in place of one that may be there.</summary>
    /// <exception cref="InputException">It can't be written.</exception>
    public void Save() => AtomicFile.Write(_path, stream =>
    {
        using Utf8JsonWriter json = new(stream);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartArray("traceEvents");
        WriteName(json, "process_name", "MnrEngine");
        WriteName(json, "thread_name", _device);
        foreach (Range step in Runs(0.._operations.Count, static (a, b) => a.Batch == b.Batch))
        {
            WriteStep(json, step);
            json.Flush();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void Check(string path)
    {
        if (Directory.Exists(path))
        {
            throw new InputException($"--trace {path} is a folder, but has to be a file to write");
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string probe = Path.Combine(folder, $".{Path.GetFileName(path)}.probe");
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InputException($"--trace {path} can't be written: {error.Message}", error);
        }
    }

    private static long Nanoseconds(double seconds) => (long)Math.Round(seconds * 1e9);

    private static void WriteName(Utf8JsonWriter json, string kind, string name)
    {
        json.WriteStartObject();
        json.WriteString("ph", "M");
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", Thread);
        json.WriteString("name", kind);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteStep(Utf8JsonWriter json, Range step)
    {
        int? number = _operations[step.Start.Value].Step;
        BeginEvent(json, number is int n ? $"step {n}" : "encode", "step", step);
        json.WriteEndObject();
        foreach (Range phase in Runs(step, static (a, b) => a.Phase == b.Phase))
        {
            BeginEvent(json, _operations[phase.Start.Value].Phase.Name(), "phase", phase);
            json.WriteEndObject();
            foreach (Range layer in Runs(phase, static (a, b) => a.Layer == b.Layer))
            {
                if (_operations[layer.Start.Value].Layer is LayerName name)
                {
                    BeginEvent(json, name.Name, "layer", layer);
                    json.WriteEndObject();
                }

                for (int i = layer.Start.Value; i < layer.End.Value; i++)
                {
                    WriteOperation(json, i);
                }
            }
        }
    }

    private void WriteOperation(Utf8JsonWriter json, int index)
    {
        TimedOperation operation = _operations[index];
        BeginEvent(json, operation.Operation, "operation", index..(index + 1));
        json.WriteStartObject("args");
        json.WriteNumber("bytes", operation.Cost.Bytes);
        json.WriteNumber("flops", operation.Cost.Flops);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>An event over a run of operations. Begin and end are rounded each, not the duration, so that events that are inside others stay inside.</summary>
    private void BeginEvent(Utf8JsonWriter json, string name, string category, Range operations)
    {
        long begin = Nanoseconds(_operations[operations.Start.Value].Begin);
        long end = Nanoseconds(_operations[operations.End.Value - 1].End);
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("cat", category);
        json.WriteString("ph", "X");
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", Thread);
        json.WriteNumber("ts", begin / 1000m);
        json.WriteNumber("dur", (end - begin) / 1000m);
    }

    /// <summary>Cuts a range into the longest runs of operations that belong together.</summary>
    private IEnumerable<Range> Runs(Range range, Func<TimedOperation, TimedOperation, bool> together)
    {
        int first = range.Start.Value;
        for (int i = first + 1; i <= range.End.Value; i++)
        {
            if (i == range.End.Value || !together(_operations[i - 1], _operations[i]))
            {
                yield return first..i;
                first = i;
            }
        }
    }
}
