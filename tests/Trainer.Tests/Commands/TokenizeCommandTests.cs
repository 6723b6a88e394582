using System.Text.Json.Nodes;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Commands;

public sealed class TokenizeCommandTests
{
    private static string Vocabulary { get; } = Path.Combine(AppContext.BaseDirectory, "vocab", "tokenizer.json");

    [Test]
    public void AnswersEachLineWithTheIdsOfHuggingFace()
    {
        using TemporaryFolder folder = new();
        JsonObject[] cases = [.. File.ReadLines(Fixtures.Path("tokenizer", "bert-uncased.jsonl")).Take(200).Select(static line => JsonNode.Parse(line)!.AsObject())];
        string input = folder.Write("in.jsonl", string.Join("\n", cases.Select(static c => c.ToJsonString())));

        Outcome outcome = Program.Run("tokenize", Vocabulary, input);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        string[] answers = outcome.Output.TrimEnd().Split('\n');
        Assert.That(answers.Select(static answer => JsonNode.Parse(answer)!["ids"]!.ToJsonString()), Is.EqualTo(cases.Select(static c => c["ids"]!.ToJsonString())));
    }

    [Test]
    public void TakesPlainTextsToo()
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run("tokenize", Vocabulary, folder.Write("in.jsonl", "\"Hello, world\"\n"));

        Assert.That(outcome.Output.TrimEnd(), Is.EqualTo("""{"ids":[101,7592,1010,2088,102],"tokens":["[CLS]","hello",",","world","[SEP]"]}"""));
    }

    [TestCase("[1]", ":1: the line has no text")]
    [TestCase("\"a\"\n{\"text\": 5}", ":2: the line has no text")]
    [TestCase("{\"text\": ", ":1: the line is not valid JSON")]
    [TestCase("{\"text\": \"a\", \"max_length\": 1}", ":1: max_length is 1, but has to be a whole number of at least 2, or null")]
    public void ABadLineIsNamed(string lines, string sentence)
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run("tokenize", Vocabulary, folder.Write("in.jsonl", lines));

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain(sentence));
    }

    [Test]
    public void AMissingFileIsNamed()
    {
        Outcome outcome = Program.Run("tokenize", Vocabulary, "no-such-file.jsonl");

        Assert.That((outcome.ExitCode, outcome.Error.TrimEnd()), Is.EqualTo((2, "error: there is no file no-such-file.jsonl")));
    }
}
