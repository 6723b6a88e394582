using System.Text.Json.Nodes;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>Every kind of network can be trained from random weights, and what comes out is a model of that kind.</summary>
public sealed class NewModelRunTests
{
    [TestCase("bert", "BertModel", "BertTokenizer")]
    [TestCase("mpnet", "MPNetModel", "MPNetTokenizer")]
    [TestCase("distilbert", "DistilBertModel", "DistilBertTokenizer")]
    public void ANewModelIsTrainedAndSaved(string type, string modelClass, string tokenizerClass)
    {
        using TinyRun run = new();
        run.Config["model"] = NewModel(type);
        run.Config["max_steps"] = 60;
        run.Config["dropout"] = 0;

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        string model = Path.Combine(run.Output, "model");
        Assert.That((string)Read(model, "config.json")["architectures"]![0]!, Is.EqualTo(modelClass));
        Assert.That((string)Read(model, "tokenizer_config.json")["tokenizer_class"]!, Is.EqualTo(tokenizerClass));
        double[] losses = [.. run.Steps().Select(static step => (double)step["loss"]!)];
        Assert.That(losses.TakeLast(10).Average(), Is.LessThan(0.8 * losses.Take(10).Average()));
        Outcome similarity = Program.Run(["similarity", model, "A man plays.", "A woman sings."]);
        Assert.That(similarity.ExitCode, Is.Zero, similarity.Error);
    }

    [TestCase("mpnet", "type_vocab_size", "2", "error: model.new.type_vocab_size is given, but mpnet has no such setting")]
    [TestCase("distilbert", "layer_norm_eps", "1e-5", "error: model.new.layer_norm_eps is given, but distilbert has no such setting")]
    [TestCase("mpnet", "max_position_embeddings", "2", "error: max_position_embeddings in model.new is 2 where a number above 2")]
    [TestCase("roberta", "num_hidden_layers", "2", "model.new.model_type is \"roberta\"")]
    public void WhatANetworkHasNotIsRefused(string type, string key, string value, string sentence)
    {
        using TinyRun run = new();
        run.Config["model"] = NewModel(type);
        run.Config["model"]!["new"]![key] = JsonNode.Parse(value);

        Outcome outcome = run.Train();

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain(sentence));
    }

    private static JsonObject NewModel(string type) => new()
    {
        ["new"] = new JsonObject
        {
            ["model_type"] = type,
            ["vocabulary"] = Fixtures.Path("models", "tiny-bert", "vocab.txt"),
            ["hidden_size"] = 32,
            ["num_hidden_layers"] = 2,
            ["num_attention_heads"] = 4,
            ["intermediate_size"] = 64,
            ["max_position_embeddings"] = 40,
        },
        ["max_seq_length"] = 32,
    };

    private static JsonObject Read(string folder, string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, file)))!.AsObject();
}
