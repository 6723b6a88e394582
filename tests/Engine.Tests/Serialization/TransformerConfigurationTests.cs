using System.Text.Json.Nodes;
using MnrEngine.Kernels;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Serialization;

public sealed class TransformerConfigurationTests
{
    [Test]
    public void AnEmptyConfigurationIsBertBase()
    {
        TransformerConfiguration configuration = Read("{}");
        Assert.Multiple(() =>
        {
            Assert.That(configuration.VocabSize, Is.EqualTo(30522));
            Assert.That(configuration.HiddenSize, Is.EqualTo(768));
            Assert.That(configuration.NumHiddenLayers, Is.EqualTo(12));
            Assert.That(configuration.NumAttentionHeads, Is.EqualTo(12));
            Assert.That(configuration.HeadSize, Is.EqualTo(64));
            Assert.That(configuration.IntermediateSize, Is.EqualTo(3072));
            Assert.That(configuration.Activation, Is.EqualTo(Activation.Gelu));
            Assert.That(configuration.HiddenDropoutProb, Is.EqualTo(0.1));
            Assert.That(configuration.AttentionProbsDropoutProb, Is.EqualTo(0.1));
            Assert.That(configuration.MaxPositionEmbeddings, Is.EqualTo(512));
            Assert.That(configuration.TypeVocabSize, Is.EqualTo(2));
            Assert.That(configuration.InitializerRange, Is.EqualTo(0.02));
            Assert.That(configuration.LayerNormEps, Is.EqualTo(1e-12));
            Assert.That(configuration.PadTokenId, Is.EqualTo(0));
        });
    }

    [Test]
    public void AnEmptyMpnetIsTransformersDefault()
    {
        TransformerConfiguration configuration = Read("""{"model_type": "mpnet"}""");
        TransformerConfiguration otherwise = TransformerConfiguration.Default(TransformerArchitecture.Mpnet);
        Assert.Multiple(() =>
        {
            Assert.That(configuration with { Source = otherwise.Source }, Is.EqualTo(otherwise));
            Assert.That(configuration.VocabSize, Is.EqualTo(30527));
            Assert.That(configuration.PadTokenId, Is.EqualTo(1));
            Assert.That(configuration.TypeVocabSize, Is.Zero);
            Assert.That(configuration.LongestSentence, Is.EqualTo(510));
        });
    }

    [Test]
    public void DistilBertHasKeysOfItsOwn()
    {
        TransformerConfiguration configuration = Read(
            """{"model_type": "distilbert", "dim": 64, "n_layers": 3, "n_heads": 4, "hidden_dim": 100, "activation": "relu", "dropout": 0.2, "attention_dropout": 0.3, "layer_norm_eps": 0.5}""");
        Assert.Multiple(() =>
        {
            Assert.That(configuration.HiddenSize, Is.EqualTo(64));
            Assert.That(configuration.NumHiddenLayers, Is.EqualTo(3));
            Assert.That(configuration.NumAttentionHeads, Is.EqualTo(4));
            Assert.That(configuration.IntermediateSize, Is.EqualTo(100));
            Assert.That(configuration.Activation, Is.EqualTo(Activation.Relu));
            Assert.That(configuration.HiddenDropoutProb, Is.EqualTo(0.2));
            Assert.That(configuration.AttentionProbsDropoutProb, Is.EqualTo(0.3));
            Assert.That(configuration.LayerNormEps, Is.EqualTo(1e-12), "transformers has it hard-coded");
            Assert.That(Read("""{"model_type": "distilbert"}""").NumHiddenLayers, Is.EqualTo(6));
        });
    }

    [TestCase("gelu", Activation.Gelu)]
    [TestCase("gelu_new", Activation.GeluTanh)]
    [TestCase("gelu_pytorch_tanh", Activation.GeluTanh)]
    [TestCase("relu", Activation.Relu)]
    public void ActivationsGoByTransformersNames(string name, Activation expected) =>
        Assert.That(Read($$"""{"hidden_act": "{{name}}"}""").Activation, Is.EqualTo(expected));

    [Test]
    public void NullCountsAsAbsentExceptForThePaddingToken()
    {
        TransformerConfiguration configuration = Read("""{"hidden_size": null, "hidden_act": null, "pad_token_id": null}""");
        Assert.Multiple(() =>
        {
            Assert.That(configuration.HiddenSize, Is.EqualTo(768));
            Assert.That(configuration.HiddenAct, Is.EqualTo("gelu"));
            Assert.That(configuration.PadTokenId, Is.Null);
        });
    }

    [Test]
    public void OtherKeysAreKeptAndTheSourceIsNotShared()
    {
        JsonObject source = JsonNode.Parse("""{"custom": [1, 2], "vocab_size": 7}""")!.AsObject();
        TransformerConfiguration configuration = TransformerConfiguration.Read(source, "here");
        source["custom"] = 3;
        Assert.That(configuration.Source["custom"]!.ToJsonString(), Is.EqualTo("[1,2]"));
    }

    [TestCase("""{"model_type": "roberta"}""", "model_type in here is \"roberta\"", "supported are bert, mpnet, distilbert")]
    [TestCase("""{"model_type": "mpnet", "relative_attention_num_buckets": 64}""", "relative_attention_num_buckets in here is 64 where 32")]
    [TestCase("""{"model_type": "mpnet", "pad_token_id": 0}""", "pad_token_id in here is 0 where 1, as every mpnet network has it, is expected")]
    [TestCase("""{"model_type": "mpnet", "pad_token_id": null}""", "pad_token_id in here is null where 1")]
    [TestCase("""{"model_type": "mpnet", "max_position_embeddings": 2}""", "max_position_embeddings in here is 2 where a number above 2, the position of a sentence's first token, is expected")]
    [TestCase("""{"model_type": "distilbert", "sinusoidal_pos_embds": true}""", "sinusoidal_pos_embds in here is true")]
    [TestCase("""{"model_type": "distilbert", "n_heads": 5}""", "dim 768 in here is not a multiple of n_heads 5")]
    [TestCase("""{"model_type": "distilbert", "activation": "swish"}""", "activation in here is \"swish\"")]
    [TestCase("""{"model_type": "distilbert", "dropout": 1}""", "dropout in here is 1 where a probability")]
    [TestCase("""{"model_type": "distilbert", "hidden_dim": 2000000000}""", "hidden_dim 2000000000 times dim 768 in here")]
    [TestCase("""{"position_embedding_type": "relative_key"}""", "position_embedding_type in here is \"relative_key\"", "supported is \"absolute\"")]
    [TestCase("""{"is_decoder": true}""", "is_decoder in here is true")]
    [TestCase("""{"add_cross_attention": true}""", "add_cross_attention in here is true")]
    [TestCase("""{"hidden_act": "swish"}""", "hidden_act in here is \"swish\"", "gelu, gelu_new")]
    [TestCase("""{"hidden_act": 3}""", "hidden_act in here is 3 where a string is expected")]
    [TestCase("""{"hidden_size": 0}""", "hidden_size in here is 0 where a whole number from 1 on is expected")]
    [TestCase("""{"hidden_size": -5}""", "hidden_size in here is -5")]
    [TestCase("""{"hidden_size": 2.5}""", "hidden_size in here is 2.5")]
    [TestCase("""{"hidden_size": "64"}""", "hidden_size in here is \"64\"")]
    [TestCase("""{"hidden_size": 1e300}""", "hidden_size in here is 1e300")]
    [TestCase("""{"hidden_size": [64]}""", "hidden_size in here is [64]")]
    [TestCase("""{"hidden_size": 100, "num_attention_heads": 3}""", "hidden_size 100 in here is not a multiple of num_attention_heads 3")]
    [TestCase("""{"num_hidden_layers": 0}""", "num_hidden_layers in here is 0")]
    [TestCase("""{"hidden_dropout_prob": 1}""", "hidden_dropout_prob in here is 1 where a probability")]
    [TestCase("""{"attention_probs_dropout_prob": -0.1}""", "attention_probs_dropout_prob in here is -0.1")]
    [TestCase("""{"layer_norm_eps": 0}""", "layer_norm_eps in here is 0")]
    [TestCase("""{"initializer_range": -1}""", "initializer_range in here is -1")]
    [TestCase("""{"initializer_range": 1e999}""", "initializer_range in here is 1e999")]
    [TestCase("""{"pad_token_id": -1}""", "pad_token_id in here is -1")]
    [TestCase("""{"pad_token_id": 30522}""", "pad_token_id 30522 in here is not below vocab_size 30522")]
    [TestCase("""{"vocab_size": 2000000000}""", "vocab_size 2000000000 times hidden_size 768 in here")]
    [TestCase("""{"is_decoder": "no"}""", "is_decoder in here is \"no\" where true or false is expected")]
    public void WhatIsWrongIsNamed(string json, params string[] expected) =>
        Assert.That(() => Read(json), Refusal.Saying(expected));

    private static TransformerConfiguration Read(string json) => TransformerConfiguration.Read(JsonNode.Parse(json)!.AsObject(), "here");
}
