using Google.Protobuf;

namespace MnrEngine.Trainer.Reporting;

/// <summary>
/// A TensorBoard event file: <c>tensorboard --logdir</c> shows its scalars as curves. Only the few fields of TensorFlow's Event and Summary messages
/// that scalars need are written.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private static class Field
    {
        public const int EventWallTime = 1;
        public const int EventStep = 2;
        public const int EventFileVersion = 3;
        public const int EventSummary = 5;
        public const int SummaryValue = 1;
        public const int ValueTag = 1;
        public const int ValueSimpleValue = 2;
    }

    private readonly FileStream _stream;

    /// <summary>Begins a file in the place of any earlier one.</summary>
    /// <param name="path">The file; TensorBoard only looks at names that contain "tfevents".</param>
    /// <param name="time">When the run began.</param>
    public EventFile(string path, DateTimeOffset time)
    {
        _stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        Append(time, 0, static output =>
        {
            output.WriteTag(Field.EventFileVersion, WireFormat.WireType.LengthDelimited);
            output.WriteString("brain.Event:2");
        });
    }

    /// <summary>Adds scalars of a step.</summary>
    /// <param name="time">When they were measured.</param>
    /// <param name="step">The step.</param>
    /// <param name="scalars">Tags, such as "train/loss", and values.</param>
    public void Add(DateTimeOffset time, int step, params ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        byte[] summary = Summary(scalars);
        Append(time, step, output =>
        {
            output.WriteTag(Field.EventSummary, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(summary));
        });
    }

    /// <summary>Hands what was added to the operating system, so that a running TensorBoard sees it.</summary>
    public void Flush() => _stream.Flush();

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static byte[] Summary(ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        using MemoryStream buffer = new();
        using (CodedOutputStream output = new(buffer))
        {
            foreach ((string tag, double value) in scalars)
            {
                int length = 1 + CodedOutputStream.ComputeStringSize(tag) + 1 + sizeof(float);
                output.WriteTag(Field.SummaryValue, WireFormat.WireType.LengthDelimited);
                output.WriteLength(length);
                output.WriteTag(Field.ValueTag, WireFormat.WireType.LengthDelimited);
                output.WriteString(tag);
                output.WriteTag(Field.ValueSimpleValue, WireFormat.WireType.Fixed32);
                output.WriteFloat((float)value);
            }
        }

        return buffer.ToArray();
    }

    private void Append(DateTimeOffset time, int step, Action<CodedOutputStream> writeContent)
    {
        using MemoryStream buffer = new();
        using (CodedOutputStream output = new(buffer))
        {
            output.WriteTag(Field.EventWallTime, WireFormat.WireType.Fixed64);
            output.WriteDouble((time - DateTimeOffset.UnixEpoch).TotalSeconds);
            output.WriteTag(Field.EventStep, WireFormat.WireType.Varint);
            output.WriteInt64(step);
            writeContent(output);
        }

        TfRecordWriter.Write(_stream, buffer.ToArray());
    }
}
