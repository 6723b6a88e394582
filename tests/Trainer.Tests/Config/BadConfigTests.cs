using MnrEngine.Trainer.Config;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Config;

/// <summary>What is wrong with a config is said in one sentence that names the place, what is there and what should be.</summary>
public sealed class BadConfigTests
{
    [TestCase("""{ "batchsize": 8 }""", ":1: batchsize is not a known key; did you mean batch_size?")]
    [TestCase("""{ "evaluation": { "evry_steps": 8 } }""", ":1: evaluation.evry_steps is not a known key; did you mean every_steps?")]
    [TestCase("""{ "num_train_epochs": 1 }""", ":1: num_train_epochs is not a known key; it is called epochs here")]
    [TestCase("""{ "eval_steps": 10 }""", ":1: eval_steps is not a known key; eval_steps is set by evaluation.every_steps")]
    [TestCase("""{ "scale": 10 }""", ":1: scale is not a known key; scale is set by loss.scale")]
    [TestCase("""{ "loss": "SoftmaxLos" }""", ":1: loss.type is \"SoftmaxLos\", but has to be")]
    [TestCase("""{ "loss": { "type": "SoftmaxLoss", "num_label": 3 } }""", ":1: loss.num_label is not a known key; did you mean num_labels?")]
    [TestCase("""{ "loss": { "type": "SoftmaxLoss", "num_labels": 1 } }""", ":1: loss.num_labels is 1, but has to be a whole number of at least 2")]
    [TestCase("""{ "loss": { "type": "MatryoshkaLoss", "loss": "SoftmaxLoss" } }""", ":1: loss.loss")]
    [TestCase("""{ "quantum_foam": 10 }""", ":1: quantum_foam is not a known key; docs/config.md lists them")]
    [TestCase("{\n\n\"batch_size\": 0 }", ":3: batch_size is 0, but has to be a whole number of at least 1")]
    [TestCase("""{ "batch_size": 2.5 }""", ":1: batch_size is 2.5, but has to be a whole number")]
    [TestCase("""{ "batch_size": "8" }""", ":1: batch_size is \"8\", but has to be a whole number")]
    [TestCase("""{ "learning_rate": -1e-5 }""", ":1: learning_rate is -1e-5, but has to be a number of at least 0")]
    [TestCase("""{ "learning_rate": 1e999 }""", ":1: learning_rate is 1e999, but has to be a number")]
    [TestCase("""{ "learning_rate": null }""", ":1: learning_rate is null, but has to be a number")]
    [TestCase("""{ "adam_beta1": 1 }""", ":1: adam_beta1 is 1, but has to be a number of at least 0 and below 1")]
    [TestCase("""{ "optimizer": "sgd" }""", ":1: optimizer is \"sgd\", but has to be one of \"adamw\", \"adam\"")]
    [TestCase("""{ "overwrite": "yes" }""", ":1: overwrite is \"yes\", but has to be true or false")]
    [TestCase("""{ "resume": "maybe" }""", ":1: resume is \"maybe\", but has to be one of false, true, \"auto\"")]
    [TestCase("""{ "data": 5 }""", ":1: data is 5, but has to be an object or an array of at least 1 or a text")]
    [TestCase("""{ "data": [] }""", ":1: data.files is [], but has to be an array of at least 1")]
    [TestCase("""{ "data": { "files": "a.tsv", "columns": ["a"] } }""", ":1: data.columns is [\"a\"], but has to be an array of at least 2")]
    [TestCase("""{ "model": { "new": { "hidden_size": 8 } } }""", ":1: model.new.vocabulary is missing (The WordPiece vocabulary")]
    [TestCase("{ \"seed\": 1,\n \"seed\": 2 }", ":2: seed is given twice, first at")]
    [TestCase("{ \"seed\": 1\n \"epochs\": 2 }", ":2: this is not valid JSON")]
    [TestCase("[1]", ":1: a config is a JSON object in braces, but this is an array")]
    [TestCase("", ":1: this is not valid JSON")]
    [TestCase("""{ "model": "m", "output": "o" }""", "config.json: data is missing (The rows to train on")]
    public void ABadConfigIsRefused(string json, string sentence)
    {
        using TemporaryFolder folder = new();

        InputException error = Refused(folder, json);

        Assert.That(error.Message, Does.Contain(sentence));
        Assert.That(error.Message, Does.StartWith(folder.File("config.json")));
        Assert.That(error.Message, Does.Not.Contain("\n"));
    }

    [TestCase("""{ "model": {}, "data": "d", "output": "o" }""", "model has neither path and new")]
    [TestCase("""{ "model": { "path": "m", "pooling": "cls" }, "data": "d", "output": "o" }""", "model.pooling is for a new model")]
    [TestCase("""{ "model": "m", "data": "d", "output": "o", "overwrite": true, "resume": true }""", "overwrite and resume are both true")]
    [TestCase("""{ "model": "m", "data": "d", "output": "o", "evaluation": { "keep_best": true } }""", "evaluation.sts names no file to evaluate with, nor does another evaluation")]
    [TestCase("""{ "model": "m", "data": "d", "output": "o", "evaluation": { "sts": ["a/dev.csv", "b/dev.csv"] } }""", "two files of one name")]
    [TestCase(
        """{ "model": { "new": { "vocabulary": "v", "hidden_size": 10, "num_hidden_layers": 1, "num_attention_heads": 3, "intermediate_size": 8 } }, "data": "d", "output": "o" }""",
        "model.new.hidden_size is 10, but has to be a multiple of num_attention_heads, which is 3")]
    [TestCase("""{ "model": "m", "data": "d", "output": "o", "loss": { "type": "CoSENTLoss", "num_labels": 3 } }""", ":1: loss.num_labels is set, but CoSENTLoss has scale, similarity_fct")]
    [TestCase("""{ "model": "m", "data": "d", "output": "o", "loss": { "type": "CosineSimilarityLoss", "scale": 20 } }""", "loss.scale is set, but CosineSimilarityLoss has loss_fct, cos_score_transformation")]
    [TestCase("""{ "model": "m", "data": "d", "output": "o", "loss": { "directions": ["doc_to_query"] } }""", "loss.directions has to name query_to_doc")]
    [TestCase(
        """{ "model": "m", "data": "d", "output": "o", "loss": { "directions": ["query_to_doc", "doc_to_doc"], "partition_mode": "per_direction" } }""",
        "loss.partition_mode is per_direction, which goes with query_to_doc and doc_to_query only")]
    [TestCase("""{ "model": "m", "data": "d", "output": "o", "loss": "MatryoshkaLoss" }""", "loss.matryoshka_dims is missing: MatryoshkaLoss needs the dimensions")]
    [TestCase("""{ "model": "m", "data": "d", "output": "o", "loss": { "type": "MatryoshkaLoss", "matryoshka_dims": [8, 0] } }""", "loss.matryoshka_dims has 0, but a dimension is at least 1")]
    [TestCase(
        """{ "model": "m", "data": "d", "output": "o", "loss": { "type": "MatryoshkaLoss", "matryoshka_dims": [8, 4], "matryoshka_weights": [1] } }""",
        "loss.matryoshka_weights has 1 numbers, but loss.matryoshka_dims has 2")]
    [TestCase(
        """{ "model": "m", "data": "d", "output": "o", "loss": { "type": "MatryoshkaLoss", "matryoshka_dims": 8, "loss": { "type": "CoSENTLoss", "directions": "query_to_doc" } } }""",
        "loss.loss.directions is set, but CoSENTLoss has scale, similarity_fct")]
    [TestCase(
        """{ "model": "m", "data": "d", "output": "o", "loss": { "type": "SoftmaxLoss", "concatenation_sent_rep": false, "concatenation_sent_difference": false } }""",
        "leaves the classifier nothing to see")]
    public void KeysThatContradictEachOtherAreRefused(string json, string sentence)
    {
        using TemporaryFolder folder = new();

        Assert.That(Refused(folder, json).Message, Does.Contain(sentence));
    }

    [TestCase("batch_size=0", "--set batch_size=0: batch_size is 0, but has to be a whole number of at least 1")]
    [TestCase("seed=9223372036854775807", "seed is 9223372036854775807, but has to be a whole number of at least 0 and at most 4294967295")]
    [TestCase("max_steps=3000000000", "max_steps is 3000000000, but has to be a whole number of at least 1 and at most 2147483647 or null")]
    [TestCase("batch_size", "--set batch_size: a setting has the form key=value")]
    [TestCase("=5", "--set =5: a setting has the form key=value")]
    [TestCase("batch_size.x=5", "--set batch_size.x=5: batch_size is 4, which has no keys to set")]
    [TestCase("data.files.7=x", "--set data.files.7=x: data.files has 1 elements")]
    [TestCase("optimiser=adam", "--set optimiser=adam: optimiser is not a known key; did you mean optimizer?")]
    [TestCase("evaluation.every_step=5", "--set evaluation.every_step=5: evaluation.every_step is not a known key; did you mean every_steps?")]
    public void ABadSettingIsRefused(string setting, string sentence)
    {
        using TemporaryFolder folder = new();

        InputException error = Refused(folder, """{ "model": "m", "data": "d", "output": "o", "batch_size": 4 }""", setting);

        Assert.That(error.Message, Does.Contain(sentence));
    }

    [Test]
    public void AMissingConfigIsNamed()
    {
        using TemporaryFolder folder = new();

        Assert.That(() => ConfigFile.Load(folder.File("none.json"), []), Throws.TypeOf<InputException>().With.Message.EqualTo($"there is no config file {folder.File("none.json")}"));
        Assert.That(() => ConfigFile.Load(folder.Path, []), Throws.TypeOf<InputException>().With.Message.Contains("is a folder"));
    }

    [Test]
    public void InvalidUtf8IsFoundByLine()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder.File("config.json"), [(byte)'{', (byte)'\n', (byte)'"', 0xff, (byte)'"', (byte)'}']);

        Assert.That(() => ConfigFile.Load(folder.File("config.json"), []), Throws.TypeOf<InputException>().With.Message.Contains("config.json:2: the file is not valid UTF-8"));
    }

    private static InputException Refused(TemporaryFolder folder, string json, params string[] settings)
    {
        InputException? error = Assert.Throws<InputException>(() => ConfigFileTests.Load(folder, json, settings));
        return error!;
    }
}
