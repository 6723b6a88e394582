using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Commands;

public sealed class EncodeCommandTests
{
    private static readonly string Model = Fixtures.Path("models", "tiny-bert");

    [Test]
    public void EveryFormatHoldsTheEmbeddingsOfSentenceTransformersInTheOrderOfTheTexts()
    {
        using TemporaryFolder folder = new();
        (string[] texts, float[] expected, int dimension) = Expected();
        string input = folder.Write("texts.jsonl", string.Join("\n", texts.Select(static text => new JsonObject { ["text"] = text }.ToJsonString())));

        foreach (string format in (string[])["npy", "safetensors", "jsonl"])
        {
            string output = folder.File($"out.{format}");

            Outcome outcome = Program.Run("encode", Model, input, "--column", "text", "-o", output, "--batch-size", "3");

            Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
            Assert.That(Read(output, texts.Length, dimension), Is.EqualTo(expected).Within(2e-6f), format);
        }
    }

    [Test]
    public void NormalizedEmbeddingsHaveLengthOne()
    {
        using TemporaryFolder folder = new();
        (_, _, int dimension) = Expected();

        Outcome outcome = Program.Run("encode", Model, folder.Write("texts.txt", "a text\nand another one\n"), "-o", folder.File("out.npy"), "--normalize");

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        foreach (float[] row in Read(folder.File("out.npy"), 2, dimension).Chunk(dimension))
        {
            Assert.That(row.Sum(static x => (double)x * x), Is.EqualTo(1).Within(1e-6));
        }
    }

    [Test]
    public void BlankLinesAreTextsToo()
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run("encode", Model, folder.Write("texts.txt", "a\n\nb\n"), "-o", folder.File("out.jsonl"));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(File.ReadLines(folder.File("out.jsonl")).Select(static line => (string)JsonNode.Parse(line)!["text"]!), Is.EqualTo(["a", "", "b"]));
    }

    [Test]
    public void AnUnknownFormatIsNamed()
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run("encode", Model, folder.Write("texts.txt", "a\n"), "-o", folder.File("out.csv"));

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain("the format of").And.Contain("out.csv").And.Contain(".npy, .safetensors or .jsonl"));
    }

    [TestCase("texts.txt", "", "has no line")]
    [TestCase("texts.tsv", "a\tb\n", "no column 5", "--column", "5")]
    [TestCase("texts.txt", "a\n", "--batch-size is 0", "--batch-size", "0")]
    [TestCase("texts.txt", "a\n", "--max-seq-length is 1", "--max-seq-length", "1")]
    public void AWrongInputIsOneSentenceAndLeavesNoFile(string input, string text, string sentence, params string[] more)
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run(["encode", Model, folder.Write(input, text), "-o", folder.File("out.npy"), .. more]);

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.StartWith("error: ").And.Contain(sentence));
        Assert.That(File.Exists(folder.File("out.npy")), Is.False);
    }

    private static (string[] Texts, float[] Embeddings, int Dimension) Expected()
    {
        JsonNode expected = JsonNode.Parse(File.ReadAllText(Path.Combine(Model, "expected.json")))!;
        string[] texts = [.. expected["texts"]!.AsArray().Select(static text => (string)text!)];
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(Model, "expected.safetensors"));
        int dimension = file.Entries["sentence_embedding"].Shape[1];
        float[] embeddings = new float[texts.Length * dimension];
        file.Read("sentence_embedding", embeddings);
        return (texts, embeddings, dimension);
    }

    private static float[] Read(string path, int rows, int dimension)
    {
        float[] values = new float[rows * dimension];
        if (path.EndsWith(".safetensors", StringComparison.Ordinal))
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            file.Read("embeddings", values);
            return values;
        }

        if (path.EndsWith(".jsonl", StringComparison.Ordinal))
        {
            return [.. File.ReadLines(path).SelectMany(static line => JsonNode.Parse(line)!["embedding"]!.AsArray().Select(static value => (float)value!))];
        }

        byte[] bytes = File.ReadAllBytes(path);
        int headerLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8));
        Assert.That(bytes[..8], Is.EqualTo(new byte[] { 0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0 }));
        Assert.That((10 + headerLength) % 64, Is.Zero);
        Assert.That(Encoding.ASCII.GetString(bytes, 10, headerLength).TrimEnd(), Is.EqualTo($"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dimension}), }}"));
        Buffer.BlockCopy(bytes, 10 + headerLength, values, 0, values.Length * sizeof(float));
        return values;
    }
}
