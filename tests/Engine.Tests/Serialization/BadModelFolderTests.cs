using MnrEngine.Kernels;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Serialization;

/// <summary>What goes wrong with a model's folder, and the settings that are read from unusual but right ones.</summary>
public sealed class BadModelFolderTests
{
    private TemporaryFolder _folder = null!;

    private string Model => _folder.Path("model");

    [SetUp]
    public void CopyAModel()
    {
        _folder = new TemporaryFolder();
        _folder.CopyFolder(Fixtures.Path("models", "tiny-bert-dense"), "model");
    }

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void AFolderWithoutAModelIsRefused()
    {
        string file = _folder.Write("file", "");
        string empty = Directory.CreateDirectory(_folder.Path("empty")).FullName;
        Assert.Multiple(() =>
        {
            Assert.That(() => ModelFolder.Open(_folder.Path("none")), Refusal.Saying($"there is no folder {_folder.Path("none")}"));
            Assert.That(() => ModelFolder.Open(""), Refusal.Saying("\"\" is not a path"));
            Assert.That(() => ModelFolder.Open("a\0b"), Refusal.Saying("\"a\\0b\" is not a path"));
            Assert.That(() => ModelFolder.Open(file), Refusal.Saying($"{file} is a file where a model's folder is expected"));
            Assert.That(() => ModelFolder.Open(empty), Refusal.Saying($"{empty} holds no model: neither modules.json nor config.json is there"));
        });
    }

    [Test]
    public void AFolderWithoutWeightsIsRefusedWithWhatWasLookedFor()
    {
        File.Delete(Path.Combine(Model, "model.safetensors"));
        Assert.That(() => ModelFolder.Open(Model), Refusal.Saying($"{Model} holds no weights: none of model.safetensors, model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json is there"));
    }

    [Test]
    public void ADenseModuleWithoutWeightsIsRefused()
    {
        File.Delete(Path.Combine(Model, "2_Dense", "model.safetensors"));
        Assert.That(() => ModelFolder.Open(Model), Refusal.Saying(Path.Combine(Model, "2_Dense"), "holds no weights"));
    }

    [TestCase("config.json")]
    [TestCase("1_Pooling/config.json")]
    [TestCase("2_Dense/config.json")]
    public void AMissingFileIsNamed(string file)
    {
        File.Delete(Path.Combine(Model, file));
        Assert.That(() => ModelFolder.Open(Model), Refusal.Saying(file, "does not exist"));
    }

    [TestCase("config.json")]
    [TestCase("modules.json")]
    [TestCase("sentence_bert_config.json")]
    [TestCase("config_sentence_transformers.json")]
    [TestCase("tokenizer_config.json")]
    [TestCase("1_Pooling/config.json")]
    [TestCase("2_Dense/config.json")]
    [TestCase("3_Normalize/config.json")]
    public void MalformedJsonIsRefusedWithItsPlace(string file)
    {
        Assert.Multiple(() =>
        {
            foreach ((string json, string[] expected) in ((string, string[])[])
                [("", ["is not valid JSON at line 1, byte 1"]), ("{\n\"a\": ]", ["is not valid JSON at line 2, byte 6"]), ("{\"a\": 1, \"a\": 2}", ["is not valid JSON"]), ("3", ["has to hold a JSON"]), ("\"\\uD800\"", ["surrogate"]),
                 (new string('[', 100), ["is not valid JSON"])])
            {
                _folder.Write("model/" + file, json);
                Assert.That(() => ModelFolder.Open(Model), Refusal.Saying([Path.Combine(Model, file.Replace('/', Path.DirectorySeparatorChar)), .. expected]), json);
            }
        });
    }

    [Test]
    public void JsonThatIsNotUtf8IsRefused()
    {
        File.WriteAllBytes(Path.Combine(Model, "config.json"), [(byte)'"', 0xFF, (byte)'"']);
        Assert.That(() => ModelFolder.Open(Model), Refusal.Saying("config.json", "is not valid UTF-8"));
    }

    [Test]
    public void AByteOrderMarkIsSkipped()
    {
        string path = Path.Combine(Model, "config.json");
        File.WriteAllText(path, "\uFEFF" + File.ReadAllText(path));
        using ModelFolder model = ModelFolder.Open(Model);
        Assert.That(model.Description.Modules, Has.Count.EqualTo(2));
    }

    [TestCase("""[]""", "lists the modules")]
    [TestCase("""[3]""", "module 0 of", "is not a JSON object")]
    [TestCase("""[{"path": ""}]""", "module 0 of", "has no type")]
    [TestCase("""[{"type": "sentence_transformers.models.Transformer", "path": ""}]""", "lists the modules Transformer where")]
    [TestCase("""[{"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}, {"type": "sentence_transformers.models.Transformer", "path": ""}]""", "lists the modules Pooling, Transformer where")]
    [TestCase("""[{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}, {"type": "sentence_transformers.models.Dropout", "path": "2"}]""", "type in module 2 of", "sentence_transformers.models.Dropout")]
    [TestCase("""[{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "mine.Pooling", "path": "1_Pooling"}]""", "type in module 1 of", "mine.Pooling")]
    [TestCase("""[{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}, {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]""", "lists a second Pooling module")]
    [TestCase("""[{"type": "sentence_transformers.models.Transformer", "path": "../other"}]""", "path in module 0 of", "a folder inside the model's")]
    [TestCase("""[{"type": "sentence_transformers.models.Transformer", "path": "/etc"}]""", "path in module 0 of", "a folder inside the model's")]
    public void AWrongListOfModulesIsRefused(string json, params string[] expected)
    {
        _folder.Write("model/modules.json", json);
        Assert.That(() => ModelFolder.Open(Model), Refusal.Saying([Path.Combine(Model, "modules.json"), .. expected]));
    }

    [TestCase("1_Pooling/config.json", """{"pooling_mode": "median"}""", "pooling_mode", "\"median\"")]
    [TestCase("1_Pooling/config.json", """{"pooling_mode": ["mean", "cls"]}""", "in this order")]
    [TestCase("1_Pooling/config.json", """{"pooling_mode": ["mean", "mean"]}""", "in this order")]
    [TestCase("1_Pooling/config.json", """{"pooling_mode": []}""", "pooling_mode")]
    [TestCase("1_Pooling/config.json", """{"pooling_mode_cls_token": 1}""", "pooling_mode_cls_token", "true or false")]
    [TestCase("1_Pooling/config.json", """{"word_embedding_dimension": 7}""", "word_embedding_dimension", "hidden_size")]
    [TestCase("2_Dense/config.json", """{"in_features": 63, "out_features": 24}""", "in_features", "is 63 where")]
    [TestCase("2_Dense/config.json", """{"out_features": 24}""", "has no in_features")]
    [TestCase("2_Dense/config.json", """{"in_features": 64, "out_features": 2000000000}""", "out_features 2000000000")]
    [TestCase("2_Dense/config.json", """{"in_features": 64, "out_features": 24, "activation_function": "os.system"}""", "activation_function", "os.system")]
    [TestCase("2_Dense/config.json", """{"in_features": 64, "out_features": 24, "use_residual": true}""", "use_residual")]
    [TestCase("2_Dense/config.json", """{"in_features": 64, "out_features": 24, "module_input_name": "token_embeddings"}""", "module_input_name")]
    [TestCase("3_Normalize/config.json", """{"module_output_name": "token_embeddings"}""", "module_output_name")]
    [TestCase("config_sentence_transformers.json", """{"model_type": "SparseEncoder"}""", "model_type", "SparseEncoder")]
    [TestCase("config_sentence_transformers.json", """{"similarity_fn_name": "hamming"}""", "similarity_fn_name", "hamming", "cosine, dot")]
    [TestCase("config_sentence_transformers.json", """{"prompts": {"query": 3}}""", "query in prompts of")]
    [TestCase("config_sentence_transformers.json", """{"prompts": []}""", "prompts", "an object")]
    [TestCase("config_sentence_transformers.json", """{"default_prompt_name": "query"}""", "default_prompt_name", "there are no prompts")]
    [TestCase("config_sentence_transformers.json", """{"truncate_dim": 0}""", "truncate_dim")]
    [TestCase("sentence_bert_config.json", """{"transformer_task": "fill-mask"}""", "transformer_task", "feature-extraction")]
    [TestCase("sentence_bert_config.json", """{"max_seq_length": 2}""", "max_seq_length")]
    [TestCase("sentence_bert_config.json", """{"max_seq_length": "long"}""", "max_seq_length")]
    [TestCase("tokenizer_config.json", """{"model_max_length": -1}""", "model_max_length")]
    [TestCase("config.json", """{"model_type": "roberta"}""", "model_type", "roberta", "supported are bert, mpnet, distilbert")]
    public void AWrongSettingIsNamedWithItsFile(string file, string json, params string[] expected)
    {
        _folder.Write("model/" + file, json.Replace("64", $"{HiddenSize()}"));
        Assert.That(() => ModelFolder.Open(Model), Refusal.Saying([file[(file.IndexOf('/') + 1)..], .. expected.Select(text => text.Replace("64", $"{HiddenSize()}"))]));
    }

    [Test]
    public void AConfigurationThatIsNotThatOfTheWeightsIsRefusedWithBothShapes()
    {
        int hidden = HiddenSize();
        string path = Path.Combine(Model, "config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"intermediate_size\": ", "\"intermediate_size\": 1"));
        Assert.That(() => ModelFolder.Open(Model), Refusal.Saying("tensor encoder.layer.0.intermediate.dense.weight of", $", {hidden}] where [1", "is expected"));
    }

    [Test]
    public void ADenseConfigurationThatIsNotThatOfItsWeightsIsRefusedWithBothShapes()
    {
        DenseDescription dense;
        using (ModelFolder model = ModelFolder.Open(Model))
        {
            dense = (DenseDescription)model.Description.Modules[0];
        }

        _folder.Write("model/2_Dense/config.json", $$"""{"in_features": {{dense.InFeatures}}, "out_features": {{dense.OutFeatures + 1}}}""");
        Assert.That(() => ModelFolder.Open(Model), Refusal.Saying("tensor linear.weight of", $"has shape [{dense.OutFeatures}, {dense.InFeatures}] where [{dense.OutFeatures + 1}, {dense.InFeatures}] is expected"));
    }

    [Test]
    public void AMissingTensorIsNamed()
    {
        Rewrite((name, values, writer, shape) =>
        {
            if (name != "encoder.layer.1.output.LayerNorm.bias")
            {
                writer.Add(name, shape, values);
            }
        });
        Assert.That(() => ModelFolder.Open(Model), Refusal.Saying($"tensor encoder.layer.1.output.LayerNorm.bias of {Path.Combine(Model, "model.safetensors")} does not exist"));
    }

    [Test]
    public void AMissingPoolerIsNoFault()
    {
        Rewrite((name, values, writer, shape) =>
        {
            if (!name.StartsWith("pooler.", StringComparison.Ordinal))
            {
                writer.Add(name, shape, values);
            }
        });
        using ModelFolder model = ModelFolder.Open(Model);
        Assert.That(TransformerWeightNames.Pooler(model.Description.Transformer).Any(weight => model.Has(weight.Name)), Is.False);
    }

    [Test]
    public void NaNInAWeightIsRefusedWhenItIsRead()
    {
        const string Spoilt = "encoder.layer.0.attention.self.key.weight";
        Rewrite((name, values, writer, shape) =>
        {
            if (name == Spoilt)
            {
                values[3] = float.NaN;
            }

            writer.Add(name, shape, values);
        });
        using ModelFolder model = ModelFolder.Open(Model);
        int hidden = model.Description.Transformer.HiddenSize;
        Assert.That(() => model.ReadWeight(Spoilt, [hidden, hidden], new float[hidden * hidden]), Refusal.Saying($"tensor {Spoilt} of", "holds NaN at element 3"));
    }

    [Test]
    public void TwoNamesForOneParameterAreRefused()
    {
        Rewrite((name, values, writer, shape) =>
        {
            writer.Add(name, shape, values);
            if (name.StartsWith("embeddings.LayerNorm.weight", StringComparison.Ordinal))
            {
                writer.Add("bert.embeddings.LayerNorm.gamma", shape, values);
            }
        });
        Assert.That(() => ModelFolder.Open(Model), Refusal.Saying("bert.embeddings.LayerNorm.gamma", "are both embeddings.LayerNorm.weight"));
    }

    [TestCase("""{"max_seq_length": 32}""", """{"model_max_length": 16}""", 32, TestName = "the encoder's own length wins")]
    [TestCase("""{"max_seq_length": null}""", """{"model_max_length": 16}""", 16, TestName = "null leaves it to the tokenizer")]
    [TestCase(null, """{"model_max_length": 1000000000000000019884624838656}""", -1, TestName = "the tokenizer's number for none means the network's positions")]
    [TestCase(null, null, -1, TestName = "without either the network's positions")]
    [TestCase("""{"max_seq_length": 100000}""", null, -1, TestName = "no more than the network's positions")]
    public void TheMaximumLength(string? encoder, string? tokenizer, int expected)
    {
        foreach ((string file, string? json) in ((string, string?)[])[("sentence_bert_config.json", encoder), ("tokenizer_config.json", tokenizer)])
        {
            File.Delete(Path.Combine(Model, file));
            if (json is not null)
            {
                _folder.Write("model/" + file, json);
            }
        }

        using ModelFolder model = ModelFolder.Open(Model);
        Assert.That(model.Description.MaxSequenceLength, Is.EqualTo(expected < 0 ? model.Description.Transformer.MaxPositionEmbeddings : expected));
    }

    [TestCase("""{"pooling_mode": "cls"}""", PoolingModes.Cls)]
    [TestCase("""{"pooling_mode": ["cls", "mean", "lasttoken"]}""", PoolingModes.Cls | PoolingModes.Mean | PoolingModes.LastToken)]
    [TestCase("""{"pooling_mode": "mean_sqrt_len_tokens"}""", PoolingModes.MeanSqrtLength)]
    [TestCase("""{"pooling_mode_weightedmean_tokens": true, "pooling_mode_max_tokens": true}""", PoolingModes.Max | PoolingModes.WeightedMean)]
    [TestCase("""{"pooling_mode": "max", "pooling_mode_mean_tokens": true}""", PoolingModes.Max)]
    [TestCase("""{}""", PoolingModes.Mean)]
    public void PoolingInBothStyles(string json, PoolingModes expected)
    {
        _folder.Write("model/1_Pooling/config.json", json);
        _folder.Write("model/modules.json", """[{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]""");
        using ModelFolder model = ModelFolder.Open(Model);
        Assert.Multiple(() =>
        {
            Assert.That(model.Description.Pooling, Is.EqualTo(expected));
            Assert.That(model.Description.PoolingDimension, Is.EqualTo(model.Description.Transformer.HiddenSize * int.PopCount((int)expected)));
        });
    }

    [Test]
    public void TheTransformerMayLieInAFolderOfItsOwn()
    {
        string inner = Path.Combine(Model, "0_Transformer");
        Directory.CreateDirectory(inner);
        foreach (string file in (string[])["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt", "sentence_bert_config.json"])
        {
            File.Move(Path.Combine(Model, file), Path.Combine(inner, file));
        }

        _folder.Write("model/modules.json", """[{"type": "sentence_transformers.models.Transformer", "path": "0_Transformer"}, {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]""");
        using ModelFolder model = ModelFolder.Open(Model);
        Assert.That(model.TransformerFolder, Is.EqualTo(inner));
    }

    [Test]
    public void NormalizeMayComeBeforeDense()
    {
        _folder.Write("model/modules.json", """
            [{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
             {"type": "sentence_transformers.models.Normalize", "path": "3_Normalize"}, {"type": "sentence_transformers.models.Dense", "path": "2_Dense"}]
            """);
        using ModelFolder model = ModelFolder.Open(Model);
        Assert.That(model.Description.Modules.Select(module => module.GetType()), Is.EqualTo(new[] { typeof(NormalizeDescription), typeof(DenseDescription) }));
    }

    [Test]
    public void AFolderThatACrashMovedAsideIsOpened()
    {
        Directory.Move(Model, _folder.Path(".model.old"));
        using ModelFolder model = ModelFolder.Open(Model);
        Assert.That(Directory.GetFileSystemEntries(_folder.Root), Is.EqualTo(new[] { Model }));
    }

    private int HiddenSize() => TransformerConfiguration.Read(Fixtures.Path("models", "tiny-bert-dense", "config.json")).HiddenSize;

    private void Rewrite(WriteTensor write)
    {
        string path = Path.Combine(Model, "model.safetensors");
        SafetensorsWriter writer = new();
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            foreach ((string name, WeightEntry entry) in file.Entries)
            {
                write(name, file.Read(name), writer, [.. entry.Shape]);
            }
        }

        using FileStream stream = File.Create(path);
        writer.WriteTo(stream);
    }

    private delegate void WriteTensor(string name, float[] values, SafetensorsWriter writer, int[] shape);
}
