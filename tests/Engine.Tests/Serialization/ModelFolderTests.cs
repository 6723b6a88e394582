using System.Text.Json.Nodes;
using MnrEngine.Kernels;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Serialization;

public sealed class ModelFolderTests
{
    private static string TinyBert => Fixtures.Path("models", "tiny-bert");

    [Test]
    public void TheSettingsOfTheFilesAreTheDescription()
    {
        using ModelFolder model = ModelFolder.Open(TinyBert);
        JsonNode config = JsonNode.Parse(File.ReadAllText(Fixtures.Path("models", "tiny-bert", "config.json")))!;
        EncoderDescription description = model.Description;
        TransformerConfiguration transformer = description.Transformer;
        Assert.Multiple(() =>
        {
            Assert.That(transformer.VocabSize, Is.EqualTo((int)config["vocab_size"]!));
            Assert.That(transformer.HiddenSize, Is.EqualTo((int)config["hidden_size"]!));
            Assert.That(transformer.NumHiddenLayers, Is.EqualTo((int)config["num_hidden_layers"]!));
            Assert.That(transformer.NumAttentionHeads, Is.EqualTo((int)config["num_attention_heads"]!));
            Assert.That(transformer.IntermediateSize, Is.EqualTo((int)config["intermediate_size"]!));
            Assert.That(transformer.HiddenAct, Is.EqualTo((string)config["hidden_act"]!));
            Assert.That(transformer.HiddenDropoutProb, Is.EqualTo((double)config["hidden_dropout_prob"]!));
            Assert.That(transformer.AttentionProbsDropoutProb, Is.EqualTo((double)config["attention_probs_dropout_prob"]!));
            Assert.That(transformer.MaxPositionEmbeddings, Is.EqualTo((int)config["max_position_embeddings"]!));
            Assert.That(transformer.TypeVocabSize, Is.EqualTo((int)config["type_vocab_size"]!));
            Assert.That(transformer.InitializerRange, Is.EqualTo((double)config["initializer_range"]!));
            Assert.That(transformer.LayerNormEps, Is.EqualTo((double)config["layer_norm_eps"]!));
            Assert.That(transformer.PadTokenId, Is.EqualTo((int?)config["pad_token_id"]));
            Assert.That(JsonNode.DeepEquals(transformer.Source, config));
            Assert.That(description.IncludePrompt);
            Assert.That(description.LowerCase, Is.False);
            Assert.That(description.SimilarityFunction, Is.EqualTo("cosine"));
            Assert.That(description.Prompts.Keys, Is.EquivalentTo(new[] { "query", "document" }));
            Assert.That(description.EmbeddingDimension, Is.EqualTo(transformer.HiddenSize));
            Assert.That(model.TransformerFolder, Is.EqualTo(model.Path));
        });
    }

    [TestCase("tiny-bert", PoolingModes.Mean)]
    [TestCase("tiny-bert-bf16", PoolingModes.Mean)]
    [TestCase("tiny-bert-bin", PoolingModes.Mean)]
    [TestCase("tiny-bert-f16", PoolingModes.Mean)]
    [TestCase("tiny-bert-gelu-new", PoolingModes.Mean)]
    [TestCase("tiny-bert-hub", PoolingModes.Mean)]
    [TestCase("tiny-bert-legacy", PoolingModes.Mean, "Normalize")]
    [TestCase("tiny-bert-dense", PoolingModes.Cls, "Dense", "Normalize")]
    [TestCase("tiny-distilbert", PoolingModes.Mean)]
    [TestCase("tiny-mpnet", PoolingModes.Mean, "Normalize")]
    public void EveryLayoutOpens(string name, PoolingModes pooling, params string[] modules)
    {
        string folder = Fixtures.Path("models", name);
        using ModelFolder model = ModelFolder.Open(folder);
        JsonNode expected = JsonNode.Parse(File.ReadAllText(Fixtures.Path("models", name, "expected.json")))!;
        Assert.Multiple(() =>
        {
            Assert.That(model.Description.Pooling, Is.EqualTo(pooling));
            Assert.That(model.Description.MaxSequenceLength, Is.EqualTo((int)expected["max_length"]!));
            Assert.That(model.Description.Modules.Select(module => module.GetType().Name), Is.EqualTo(modules.Select(module => module + "Description")));
        });
    }

    [TestCase("tiny-bert-bin", 0)]
    [TestCase("tiny-bert-hub", 0)]
    [TestCase("tiny-bert-legacy", 0)]
    [TestCase("tiny-bert-dense", 0)]
    [TestCase("tiny-bert-f16", 1.0 / 2048)]
    [TestCase("tiny-bert-bf16", 1.0 / 256)]
    public void EveryLayoutHoldsTheWeightsOfTinyBert(string name, double relative)
    {
        using ModelFolder model = ModelFolder.Open(Fixtures.Path("models", name));
        using SafetensorsFile expected = SafetensorsFile.Open(Fixtures.Path("models", "tiny-bert", "model.safetensors"));
        foreach (WeightName weight in (WeightName[])[.. TransformerWeightNames.Names(model.Description.Transformer), .. TransformerWeightNames.Pooler(model.Description.Transformer)])
        {
            float[] reference = expected.Read(weight.Name);
            float[] found = new float[reference.Length];
            Assert.That(model.Has(weight.Name), weight.Name);
            model.ReadWeight(weight.Name, [.. weight.Shape], found);

            // Half precision is subnormal below 6e-5 and steps by 6e-8 there.
            Assert.That(found.Zip(reference).All(pair => Math.Abs(pair.First - pair.Second) <= (relative * Math.Abs(pair.Second)) + (relative == 0 ? 0 : 3e-8)), weight.Name);
        }
    }

    [TestCase("tiny-bert")]
    [TestCase("tiny-distilbert")]
    [TestCase("tiny-mpnet")]
    public void TheNamesAreTheWholeOfAModelThatTransformersWrote(string name)
    {
        using ModelFolder model = ModelFolder.Open(Fixtures.Path("models", name));
        using SafetensorsFile file = SafetensorsFile.Open(Fixtures.Path("models", name, "model.safetensors"));
        WeightName[] names = [.. TransformerWeightNames.Names(model.Description.Transformer), .. TransformerWeightNames.Pooler(model.Description.Transformer)];
        Assert.Multiple(() =>
        {
            Assert.That(names.Select(weight => weight.Name), Is.EquivalentTo(file.Entries.Keys));
            foreach (WeightName weight in names)
            {
                Assert.That(file.Entries[weight.Name].Shape, Is.EqualTo(weight.Shape), weight.Name);
            }
        });
    }

    [Test]
    public void ADenseModulesWeightsAreRead()
    {
        using ModelFolder model = ModelFolder.Open(Fixtures.Path("models", "tiny-bert-dense"));
        using SafetensorsFile expected = SafetensorsFile.Open(Fixtures.Path("models", "tiny-bert-dense", "2_Dense", "model.safetensors"));
        DenseDescription dense = (DenseDescription)model.Description.Modules[0];
        Assert.Multiple(() =>
        {
            Assert.That(dense.Activation, Is.EqualTo(Activation.Tanh));
            Assert.That(model.Description.EmbeddingDimension, Is.EqualTo(dense.OutFeatures));
            foreach (WeightName weight in dense.Weights)
            {
                float[] values = new float[WeightShape.Count(weight.Shape)];
                model.ReadModuleWeight(0, weight.Name, [.. weight.Shape], values);
                Assert.That(values, Is.EqualTo(expected.Read(weight.Name)), weight.Name);
            }
        });
    }
}
