using System.Text.Json.Nodes;
using MnrEngine.Kernels;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Serialization;

public sealed class ModelWriterTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [TestCase("tiny-bert")]
    [TestCase("tiny-bert-bin")]
    [TestCase("tiny-bert-dense")]
    [TestCase("tiny-bert-f16")]
    [TestCase("tiny-bert-gelu-new")]
    [TestCase("tiny-bert-hub")]
    [TestCase("tiny-bert-legacy")]
    [TestCase("tiny-distilbert")]
    [TestCase("tiny-mpnet")]
    public void WhatIsSavedIsWhatIsReadAgain(string name)
    {
        using ModelFolder original = ModelFolder.Open(Fixtures.Path("models", name));
        Writer(original).Save(_folder.Path("saved"));
        using ModelFolder saved = ModelFolder.Open(_folder.Path("saved"));
        Assert.Multiple(() =>
        {
            AssertSameDescription(saved.Description, original.Description);
            foreach (WeightName weight in NetworkWeights(original))
            {
                Assert.That(Read(saved, weight), Is.EqualTo(Read(original, weight)), weight.Name);
            }

            for (int i = 0; i < original.Description.Modules.Count; i++)
            {
                foreach (WeightName weight in ModuleWeights(original.Description.Modules[i]))
                {
                    Assert.That(ReadModule(saved, i, weight), Is.EqualTo(ReadModule(original, i, weight)), weight.Name);
                }
            }
        });
    }

    [Test]
    public void SavingTwiceGivesTheSameBytes()
    {
        using ModelFolder original = ModelFolder.Open(Fixtures.Path("models", "tiny-bert-dense"));
        Writer(original).Save(_folder.Path("one"));
        using (ModelFolder one = ModelFolder.Open(_folder.Path("one")))
        {
            Writer(one).Save(_folder.Path("two"));
        }

        foreach (string file in Directory.EnumerateFiles(_folder.Path("one"), "*", SearchOption.AllDirectories))
        {
            string other = _folder.Path("two", Path.GetRelativePath(_folder.Path("one"), file));
            Assert.That(File.ReadAllBytes(other), Is.EqualTo(File.ReadAllBytes(file)), other);
        }
    }

    [Test]
    public void TheLayoutIsTheOneThatEveryVersionLoads()
    {
        using ModelFolder original = ModelFolder.Open(Fixtures.Path("models", "tiny-bert-dense"));
        Writer(original).Save(_folder.Path("saved"));
        string[] files = [.. Directory.EnumerateFileSystemEntries(_folder.Path("saved"), "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_folder.Path("saved"), path).Replace('\\', '/'))];
        Assert.Multiple(() =>
        {
            Assert.That(files, Is.EquivalentTo(new[]
            {
                "1_Pooling", "1_Pooling/config.json", "2_Dense", "2_Dense/config.json", "2_Dense/model.safetensors", "2_Dense/pytorch_model.bin", "3_Normalize",
                "README.md", "config.json", "config_sentence_transformers.json", "model.safetensors", "modules.json", "sentence_bert_config.json", "tokenizer_config.json", "vocab.txt",
            }));
            Assert.That(Json("modules.json"), Is.EqualTo("""
                [{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},{"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"},{"idx":2,"name":"2","path":"2_Dense","type":"sentence_transformers.models.Dense"},{"idx":3,"name":"3","path":"3_Normalize","type":"sentence_transformers.models.Normalize"}]
                """));
            DenseDescription dense = (DenseDescription)original.Description.Modules[0];
            Assert.That(Json("2_Dense/config.json"), Is.EqualTo($$"""{"in_features":{{dense.InFeatures}},"out_features":{{dense.OutFeatures}},"bias":true,"activation_function":"torch.nn.modules.activation.Tanh"}"""));
            Assert.That(Json("sentence_bert_config.json"), Is.EqualTo($$"""{"max_seq_length":{{original.Description.MaxSequenceLength}},"do_lower_case":false}"""));
        });
    }

    [TestCase(PoolingModes.Mean, """{"word_embedding_dimension":64,"pooling_mode_cls_token":false,"pooling_mode_max_tokens":false,"pooling_mode_mean_tokens":true,"pooling_mode_mean_sqrt_len_tokens":false}""")]
    [TestCase(PoolingModes.Cls | PoolingModes.LastToken, """{"word_embedding_dimension":64,"pooling_mode_cls_token":true,"pooling_mode_max_tokens":false,"pooling_mode_mean_tokens":false,"pooling_mode_mean_sqrt_len_tokens":false,"pooling_mode_lasttoken":true}""")]
    public void PoolingNamesOnlyWhatTheOldestVersionThatHasTheModeKnows(PoolingModes modes, string expected)
    {
        using ModelFolder original = ModelFolder.Open(Fixtures.Path("models", "tiny-bert"));
        EncoderDescription description = original.Description with { Pooling = modes, Transformer = original.Description.Transformer };
        Writer(original, description).Save(_folder.Path("saved"));
        using ModelFolder saved = ModelFolder.Open(_folder.Path("saved"));
        Assert.Multiple(() =>
        {
            Assert.That(Json("1_Pooling/config.json"), Is.EqualTo(expected.Replace("64", $"{description.Transformer.HiddenSize}")));
            Assert.That(saved.Description.Pooling, Is.EqualTo(modes));
        });
    }

    [Test]
    public void EverySettingOfTheEncoderSurvives()
    {
        using ModelFolder original = ModelFolder.Open(Fixtures.Path("models", "tiny-bert"));
        EncoderDescription description = original.Description with
        {
            IncludePrompt = false,
            LowerCase = true,
            MaxSequenceLength = 17,
            Prompts = new Dictionary<string, string> { ["query"] = "Frage: \"é\u0001😀\" ", ["empty"] = "" },
            DefaultPromptName = "query",
            SimilarityFunction = "dot",
            TruncateDimension = 8,
        };
        Writer(original, description).Save(_folder.Path("saved"));
        using ModelFolder saved = ModelFolder.Open(_folder.Path("saved"));
        AssertSameDescription(saved.Description, description);
    }

    [Test]
    public void TheConfigurationKeepsWhatItHadAndSaysWhatTheFileHolds()
    {
        string folder = _folder.CopyFolder(Fixtures.Path("models", "tiny-bert-hub"), "original");
        JsonObject source = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        source["custom"] = new JsonObject { ["a"] = 1 };
        source["dtype"] = "float16";
        File.WriteAllText(Path.Combine(folder, "config.json"), source.ToJsonString());
        using (ModelFolder original = ModelFolder.Open(folder))
        {
            Writer(original).Save(_folder.Path("saved"));
        }

        JsonObject saved = JsonNode.Parse(Json("config.json"))!.AsObject();
        Assert.Multiple(() =>
        {
            Assert.That(saved["custom"]!.ToJsonString(), Is.EqualTo("""{"a":1}"""));
            Assert.That(saved["architectures"]!.ToJsonString(), Is.EqualTo("""["BertModel"]"""));
            Assert.That((string?)saved["torch_dtype"], Is.EqualTo("float32"));
            Assert.That(saved.ContainsKey("dtype"), Is.False);
            foreach ((string key, JsonNode? value) in source.Where(entry => entry.Key is not ("architectures" or "dtype")))
            {
                Assert.That(JsonNode.DeepEquals(saved[key], value), key);
            }
        });
    }

    [TestCase("""{"hidden_size": 128, "num_attention_heads": 2, "pad_token_id": null}""", "bert", "BertModel", "hidden_size", "type_vocab_size", "position_embedding_type")]
    [TestCase("""{"model_type": "mpnet", "hidden_size": 128, "num_attention_heads": 2}""", "mpnet", "MPNetModel", "hidden_size", "layer_norm_eps", "relative_attention_num_buckets")]
    [TestCase("""{"model_type": "distilbert", "dim": 128, "n_heads": 2}""", "distilbert", "DistilBertModel", "dim", "n_layers", "n_heads", "hidden_dim", "activation", "dropout", "attention_dropout")]
    public void ANewConfigurationIsCompleteAndReadsAsItself(string given, string type, string modelClass, params string[] keys)
    {
        TransformerConfiguration configuration = TransformerConfiguration.Read(JsonNode.Parse(given)!.AsObject(), "model");
        JsonObject saved = configuration.ToSavedJson();
        TransformerConfiguration again = TransformerConfiguration.Read(saved, "saved");
        Assert.Multiple(() =>
        {
            Assert.That(again with { Source = [] }, Is.EqualTo(configuration with { Source = again.Source }).Using<TransformerConfiguration>((a, b) => (a with { Source = b.Source }) == b));
            Assert.That(saved.Select(entry => entry.Key), Is.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
            Assert.That((string?)saved["model_type"], Is.EqualTo(type));
            Assert.That((string?)saved["architectures"]![0], Is.EqualTo(modelClass));
            Assert.That(keys, Is.SubsetOf(saved.Select(entry => entry.Key)));
            Assert.That(saved.ContainsKey("hidden_size"), Is.EqualTo(type != "distilbert"));
            Assert.That(saved.ContainsKey("type_vocab_size"), Is.EqualTo(type == "bert"));
        });
    }

    [Test]
    public void JsonIsPlainAscii()
    {
        using ModelFolder original = ModelFolder.Open(Fixtures.Path("models", "tiny-bert"));
        EncoderDescription description = original.Description with { Prompts = new Dictionary<string, string> { ["größe"] = "日本 " } };
        Writer(original, description).Save(_folder.Path("saved"));
        foreach (string file in Directory.EnumerateFiles(_folder.Path("saved"), "*.json"))
        {
            Assert.That(File.ReadAllBytes(file).All(b => b < 0x80), file);
        }
    }

    [Test]
    public void AnInterruptedSaveLeavesTheOldModel()
    {
        using ModelFolder original = ModelFolder.Open(Fixtures.Path("models", "tiny-bert"));
        Writer(original).Save(_folder.Path("saved"));
        byte[] before = File.ReadAllBytes(_folder.Path("saved", "model.safetensors"));
        NamedWeight[] weights = [.. Weights(original)];
        weights[^1] = weights[^1] with { Fetch = _ => throw new IOException("No space left on device") };
        ModelWriter writer = new(original.Description, weights, [], CopyTokenizer(original), "");
        Assert.Multiple(() =>
        {
            Assert.That(() => writer.Save(_folder.Path("saved")), Refusal.Saying(_folder.Path("saved"), "No space left on device"));
            Assert.That(File.ReadAllBytes(_folder.Path("saved", "model.safetensors")), Is.EqualTo(before));
            Assert.That(Directory.GetFileSystemEntries(_folder.Root), Is.EqualTo(new[] { _folder.Path("saved") }));
        });
    }

    [Test]
    public void WeightsThatAreNotTheModelsAreAMistake()
    {
        using ModelFolder original = ModelFolder.Open(Fixtures.Path("models", "tiny-bert"));
        NamedWeight[] weights = [.. Weights(original)];
        Assert.Multiple(() =>
        {
            Assert.That(() => new ModelWriter(original.Description, weights[1..], [], _ => { }, ""), Throws.ArgumentException);
            Assert.That(() => new ModelWriter(original.Description, [.. weights, new NamedWeight("other", [1], _ => { })], [], _ => { }, ""), Throws.ArgumentException);
            Assert.That(() => new ModelWriter(original.Description, [.. weights[1..], weights[0] with { Shape = [1, 1] }], [], _ => { }, ""), Throws.ArgumentException);
            Assert.That(() => new ModelWriter(original.Description, weights, [[]], _ => { }, ""), Throws.ArgumentException);
        });
    }

    internal static ModelWriter Writer(ModelFolder original, EncoderDescription? description = null) => new(
        description ?? original.Description,
        [.. Weights(original).Reverse()],
        [.. original.Description.Modules.Select((module, i) => (IReadOnlyList<NamedWeight>)[.. ModuleWeights(module).Select(weight => new NamedWeight(weight.Name, weight.Shape, values => original.ReadModuleWeight(i, weight.Name, [.. weight.Shape], values)))])],
        CopyTokenizer(original),
        "# card\n");

    private static IEnumerable<NamedWeight> Weights(ModelFolder model) =>
        NetworkWeights(model).Select(weight => new NamedWeight(weight.Name, weight.Shape, values => model.ReadWeight(weight.Name, [.. weight.Shape], values)));

    private static IEnumerable<WeightName> NetworkWeights(ModelFolder model) =>
        [.. TransformerWeightNames.Names(model.Description.Transformer), .. TransformerWeightNames.Pooler(model.Description.Transformer).Where(weight => model.Has(weight.Name))];

    private static IReadOnlyList<WeightName> ModuleWeights(ModuleDescription module) => (module as DenseDescription)?.Weights ?? [];

    private static Action<string> CopyTokenizer(ModelFolder model) => folder =>
    {
        foreach (string file in (string[])["vocab.txt", "tokenizer_config.json"])
        {
            File.Copy(Path.Combine(model.TransformerFolder, file), Path.Combine(folder, file));
        }
    };

    private static float[] Read(ModelFolder model, WeightName weight)
    {
        float[] values = new float[WeightShape.Count(weight.Shape)];
        model.ReadWeight(weight.Name, [.. weight.Shape], values);
        return values;
    }

    private static float[] ReadModule(ModelFolder model, int module, WeightName weight)
    {
        float[] values = new float[WeightShape.Count(weight.Shape)];
        model.ReadModuleWeight(module, weight.Name, [.. weight.Shape], values);
        return values;
    }

    private static void AssertSameDescription(EncoderDescription found, EncoderDescription expected)
    {
        Assert.That(found.Modules, Is.EqualTo(expected.Modules));
        Assert.That(found.Prompts, Is.EqualTo(expected.Prompts));
        Assert.That(
            found with { Modules = expected.Modules, Prompts = expected.Prompts, Transformer = found.Transformer with { Source = expected.Transformer.Source } },
            Is.EqualTo(expected));
    }

    private string Json(string file) => JsonNode.Parse(File.ReadAllText(_folder.Path("saved", file)))!.ToJsonString();
}
