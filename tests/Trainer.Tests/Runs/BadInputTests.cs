using System.Buffers.Binary;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>
/// Whatever is wrong with what a run is given: one sentence that names the place, exit code 2, no stack trace, and nothing written.
/// </summary>
public sealed class BadInputTests
{
    private static readonly TestCaseData[] BadData =
    [
        Data("an unclosed quotation mark", "pairs.csv", "anchor,positive\n\"a,b\nc,d\n"u8, "pairs.csv, line 2"),
        Data("a row with too few columns", "pairs.tsv", "anchor\tpositive\na\tb\nc\n"u8, "pairs.tsv, line 3"),
        Data("invalid UTF-8", "pairs.tsv", [.. "anchor\tpositive\na\t"u8, 0xff, (byte)'\n'], "pairs.tsv, line 2"),
        Data("malformed JSON", "pairs.jsonl", "{\"anchor\": \"a\", \"positive\": \"b\"}\n{\"anchor\": \"a\", \"pos"u8, "pairs.jsonl, line 2"),
        Data("no rows", "pairs.tsv", "anchor\tpositive\n"u8, "pairs.tsv"),
        Data("an empty file", "pairs.tsv", ""u8, "pairs.tsv"),
        Data("no compression where its name says gzip", "pairs.tsv.gz", "anchor\tpositive\na\tb\n"u8, "pairs.tsv.gz"),
        Data("a zip file", "snli_1.0.zip", "PK"u8, "snli_1.0.zip is a zip file, which only prepare reads: MnrEngine prepare "),
        Data("no extension", "pairs", "anchor\tpositive\na\tb\n"u8, "pairs can't be told from its name, which has no extension: let its name end with .tsv, .csv, .jsonl or .parquet, or name the format"),
        Data("one column", "pairs.tsv", "anchor\na\nb\n"u8, "pairs.tsv, line 1"),
    ];

    private static readonly TestCaseData[] BadLabels =
    [
        Labels("a class out of range", """{ "type": "SoftmaxLoss", "num_labels": 3 }""", "premise\thypothesis\tlabel\na\tb\t0\nc\td\t3\n", "pairs.tsv, line 3: the label is 3, but loss.num_labels is 3, so that labels go from 0 to 2"),
        Labels("a class far beyond the others", "\"SoftmaxLoss\"", "premise\thypothesis\tlabel\na\tb\t0\nc\td\t2000000000\n", "the largest label is 2000000000, but no row has label 1: where that is meant, loss.num_labels says how many there are"),
        Labels("a class that is none", "\"SoftmaxLoss\"", "premise\thypothesis\tlabel\na\tb\tentailment\nc\td\tmaybe\n", "pairs.tsv, line 3: the label is 'maybe', but SoftmaxLoss needs a class"),
        Labels("a class that is negative", "\"SoftmaxLoss\"", "premise\thypothesis\tlabel\na\tb\t0\nc\td\t-2\n", "pairs.tsv, line 3: the label is '-2'"),
        Labels("no labels", "\"SoftmaxLoss\"", "premise\thypothesis\na\tb\n", "SoftmaxLoss needs a class (such as entailment, neutral and contradiction, or 0, 1 and 2) for each row, but the data has no label column"),
        Labels("a score that is none", "\"CoSENTLoss\"", "sentence1\tsentence2\tscore\na\tb\t0.5\nc\td\thigh\n", "pairs.tsv, line 3: the label is 'high', but CoSENTLoss needs a number"),
        Labels("a score beyond a cosine", "\"CosineSimilarityLoss\"", "sentence1\tsentence2\tscore\na\tb\t0.5\nc\td\t4.2\n", "pairs.tsv, line 3: the label is 4.2, but CosineSimilarityLoss compares it with a cosine"),
        Labels("a class for a score", "\"CoSENTLoss\"", "premise\thypothesis\tlabel\na\tb\tneutral\n", "pairs.tsv, line 2: the label is 'neutral', but CoSENTLoss needs a number, a similarity score: SoftmaxLoss takes classes"),
        Labels("classes for scores", "\"CoSENTLoss\"", "premise\thypothesis\tlabel\na\tb\t0\nc\td\t2\n", "the column label has no numbers but 0, 1 and 2, which are NLI's classes, but CoSENTLoss needs similarity scores: SoftmaxLoss takes classes"),
        Labels("classes for scores at every dimension", """{ "type": "MatryoshkaLoss", "loss": "CoSENTLoss", "matryoshka_dims": [64, 32] }""", "premise\thypothesis\tlabel\na\tb\t0\nc\td\t2\n", "which are NLI's classes"),
        Labels("no scores", "\"CosineSimilarityLoss\"", "sentence1\tsentence2\na\tb\n", "CosineSimilarityLoss needs a similarity score for each row"),
        Labels("labels that the loss does not use", "\"MultipleNegativesRankingLoss\"", "premise\thypothesis\tlabel\na\tb\t0\nc\td\t2\n", "the rows have different ones (0, 2): name those to keep in data.labels"),
        Labels("three texts for a loss of pairs", "\"SoftmaxLoss\"", "anchor\tpositive\tnegative\tlabel\na\tb\tc\t0\n", "SoftmaxLoss compares two columns of texts, but the data has 3 (anchor, positive, negative)"),
        Labels("triplets without negatives", """{ "hardness_mode": "hard_negatives", "hardness_strength": 5 }""", "anchor\tpositive\na\tb\n", "the data has 2 (anchor, positive)"),
        Labels("a triplet without a negative", "\"MultipleNegativesRankingLoss\"", "anchor\tpositive\tnegative\na\tb\tc\nd\te\t \n", "pairs.tsv, line 3: the text in column negative is empty"),
        Labels("too many dimensions", """{ "type": "MatryoshkaLoss", "matryoshka_dims": [128, 64] }""", "anchor\tpositive\na\tb\n", "loss.matryoshka_dims has 128, but the model's embeddings have only 64 dimensions"),
    ];

    private static readonly TestCaseData[] BadModels =
    [
        Model("a folder that is empty", static folder => Empty(folder), "model"),
        Model("weights cut in half", static folder => Change(folder, "model.safetensors", static bytes => bytes[..(bytes.Length / 2)]), "model.safetensors"),
        Model("weights with a huge header", static folder => Change(folder, "model.safetensors", static bytes => [.. BitConverter.GetBytes(long.MaxValue), .. bytes[8..]]), "model.safetensors"),
        Model("weights that are not a number", static folder => Change(folder, "model.safetensors", WithNaN), "model.safetensors"),
        Model("weights with foreign classes", static folder => Pickle(folder), "pytorch_model.bin"),
        Model("a config that is not JSON", static folder => Change(folder, "config.json", static bytes => bytes[..(bytes.Length / 2)]), "config.json"),
        Model("modules that are not JSON", static folder => Change(folder, "modules.json", static _ => [(byte)'{']), "modules.json"),
        Model("no vocabulary", static folder => Delete(folder, "vocab.txt", "tokenizer.json"), "vocab.txt"),
    ];

    [TestCaseSource(nameof(BadData))]
    public void BadDataIsNamed(string file, byte[] content, string place)
    {
        using TinyRun run = new();
        File.WriteAllBytes(run.Folder.File(file), content);
        run.Config["data"] = file;

        AssertRefused(run, run.Train(), place);
    }

    [TestCaseSource(nameof(BadLabels))]
    public void ALossAndDataThatDoNotFitAreNamed(string loss, string content, string place)
    {
        using TinyRun run = new();
        run.Folder.Write("pairs.tsv", content);
        run.Config["data"] = "pairs.tsv";
        run.Config["loss"] = System.Text.Json.Nodes.JsonNode.Parse(loss);
        run.Config["batch_size"] = 1;

        AssertRefused(run, run.Train(), place);
    }

    [TestCaseSource(nameof(BadModels))]
    public void ABadModelIsNamed(Action<string> spoil, string place)
    {
        using TinyRun run = new();
        string model = Directory.CreateDirectory(run.Folder.File("model")).FullName;
        CopyFolder(Fixtures.Path("models", "tiny-bert"), model);
        spoil(model);
        run.Config["model"] = "model";

        AssertRefused(run, run.Train(), place);
    }

    [Test]
    public void ABadEvaluationFileIsNamed()
    {
        using TinyRun run = new();
        run.Folder.Write("dev.csv", "a sentence,another,4.5\na sentence,another,very\n");
        run.Config["evaluation"] = new System.Text.Json.Nodes.JsonObject { ["sts"] = "dev.csv" };

        AssertRefused(run, run.Train(), "dev.csv, line 2");
    }

    [TestCase("[[0, 1], [2, 100000]]", "100000")]
    [TestCase("[[0, 1], [2", "batches.json")]
    [TestCase("[]", "batches.json")]
    public void BadBatchesAreNamed(string batches, string place)
    {
        using TinyRun run = new();
        run.Folder.Write("batches.json", batches);
        run.Config["data"] = new System.Text.Json.Nodes.JsonObject { ["files"] = "pairs.jsonl", ["batches"] = "batches.json" };

        AssertRefused(run, run.Train(), place);
    }

    [Test]
    [Platform("Linux")]
    public void AnOutputFolderThatCanNotBeWrittenIsNamed()
    {
        using TinyRun run = new();

        AssertRefused(run, run.Train("--set", "output=/dev/null/out"), "/dev/null/out can't be written");
    }

    private static void AssertRefused(TinyRun run, Outcome outcome, string place)
    {
        Assert.That(outcome.ExitCode, Is.EqualTo(2), outcome.Error + outcome.Output);
        Assert.That(outcome.Error, Does.StartWith("error: ").And.Contain(place));
        Assert.That(outcome.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(Directory.Exists(run.Output), Is.False, "an output folder although nothing was computed");
    }

    private static TestCaseData Data(string name, string file, ReadOnlySpan<byte> content, string place) =>
        new TestCaseData(file, content.ToArray(), place).SetArgDisplayNames(name);

    private static TestCaseData Labels(string name, string loss, string content, string place) => new TestCaseData(loss, content, place).SetArgDisplayNames(name);

    private static TestCaseData Model(string name, Action<string> spoil, string place) => new TestCaseData(spoil, place).SetArgDisplayNames(name);

    private static void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private static void Empty(string folder)
    {
        Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
    }

    private static void Delete(string folder, params string[] files) => Array.ForEach(files, file => File.Delete(Path.Combine(folder, file)));

    private static void Change(string folder, string file, Func<byte[], byte[]> change)
    {
        string path = Path.Combine(folder, file);
        File.WriteAllBytes(path, change(File.ReadAllBytes(path)));
    }

    /// <summary>A NaN in the word embeddings, of which every model makes use.</summary>
    private static byte[] WithNaN(byte[] bytes)
    {
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using System.Text.Json.JsonDocument header = System.Text.Json.JsonDocument.Parse(bytes.AsMemory(8, headerLength));
        int start = header.RootElement.GetProperty("embeddings.word_embeddings.weight").GetProperty("data_offsets")[0].GetInt32();
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(8 + headerLength + start), float.NaN);
        return bytes;
    }

    /// <summary>A pickle that would run a command: os.system("exit").</summary>
    private static void Pickle(string folder)
    {
        Delete(folder, "model.safetensors");
        File.WriteAllBytes(Path.Combine(folder, "pytorch_model.bin"), "cos\nsystem\n(S'exit'\ntR."u8.ToArray());
    }
}
