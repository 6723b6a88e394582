using System.Buffers.Binary;
using Google.Protobuf;
using MnrEngine.Trainer.Reporting;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Reporting;

/// <summary>The file as TensorBoard reads it: TFRecord frames around Event messages.</summary>
public sealed class EventFileTests
{
    private static readonly DateTimeOffset Time = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    // CRC-32C of "123456789" is 0xe3069283 (RFC 3720); TensorFlow's mask is ((crc >> 15) | (crc << 17)) + 0xa282ead8.
    [Test]
    public void ChecksumsAreMaskedCrc32C() =>
        Assert.That(TfRecordWriter.MaskedChecksum("123456789"u8), Is.EqualTo(unchecked(((0xe3069283u >> 15) | (0xe3069283u << 17)) + 0xa282ead8u)));

    [Test]
    public void HoldsAVersionAndThenTheScalarsOfEachStep()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("events.out.tfevents.test");
        using (EventFile file = new(path, Time))
        {
            file.Add(Time.AddSeconds(1.5), 7, ("train/loss", 0.25), ("train/learning_rate", 1e-3));
            file.Add(Time.AddSeconds(2), 300, ("eval/spearman", -0.5));
        }

        List<Event> events = [.. Read(path)];

        Assert.That(events.Select(static e => (e.WallTime, e.Step, e.Version)), Is.EqualTo(new[]
        {
            (1_700_000_000.0, 0L, "brain.Event:2"), (1_700_000_001.5, 7L, ""), (1_700_000_002.0, 300L, ""),
        }));
        Assert.That(events[1].Scalars, Is.EqualTo(new[] { ("train/loss", 0.25f), ("train/learning_rate", 1e-3f) }));
        Assert.That(events[2].Scalars, Is.EqualTo(new[] { ("eval/spearman", -0.5f) }));
    }

    private static IEnumerable<Event> Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        for (int start = 0; start < bytes.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(start));
            int data = start + 12;
            Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(start + 8)), Is.EqualTo(TfRecordWriter.MaskedChecksum(bytes.AsSpan(start, 8))));
            Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(data + length)), Is.EqualTo(TfRecordWriter.MaskedChecksum(bytes.AsSpan(data, length))));
            yield return ReadEvent(bytes[data..(data + length)]);
            start = data + length + 4;
        }
    }

    private static Event ReadEvent(byte[] message)
    {
        Event result = new(0, 0, "", []);
        CodedInputStream input = new(message);
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            result = tag switch
            {
                0x09 => result with { WallTime = input.ReadDouble() },
                0x10 => result with { Step = input.ReadInt64() },
                0x1a => result with { Version = input.ReadString() },
                0x2a => result with { Scalars = ReadSummary(input.ReadBytes().ToByteArray()) },
                _ => throw new InvalidDataException($"tag {tag} in an event"),
            };
        }

        return result;
    }

    private static List<(string, float)> ReadSummary(byte[] message)
    {
        List<(string, float)> scalars = [];
        CodedInputStream input = new(message);
        while (input.ReadTag() == 0x0a)
        {
            CodedInputStream value = new(input.ReadBytes().ToByteArray());
            Assert.That(value.ReadTag(), Is.EqualTo(0x0a));
            string tag = value.ReadString();
            Assert.That(value.ReadTag(), Is.EqualTo(0x15));
            scalars.Add((tag, value.ReadFloat()));
        }

        return scalars;
    }

    private sealed record Event(double WallTime, long Step, string Version, List<(string Tag, float Value)> Scalars);
}
