using System.Text.Json.Nodes;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Serialization;

public sealed class ShardedWeightsTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void AModelInSeveralFilesHasTheWeightsOfTheOneInOne()
    {
        string folder = MakeShards();
        using ModelFolder sharded = ModelFolder.Open(folder);
        using ModelFolder whole = ModelFolder.Open(Fixtures.Path("models", "tiny-bert"));
        foreach (WeightName weight in TransformerWeightNames.Names(whole.Description.Transformer))
        {
            float[] expected = new float[WeightShape.Count(weight.Shape)];
            float[] found = new float[expected.Length];
            whole.ReadWeight(weight.Name, [.. weight.Shape], expected);
            sharded.ReadWeight(weight.Name, [.. weight.Shape], found);
            Assert.That(found, Is.EqualTo(expected), weight.Name);
        }
    }

    [Test]
    public void AMissingShardIsNamed()
    {
        string folder = MakeShards();
        File.Delete(Path.Combine(folder, "model-00002-of-00002.safetensors"));
        Assert.That(() => ModelFolder.Open(folder), Refusal.Saying("model-00002-of-00002.safetensors does not exist"));
    }

    [Test]
    public void ATensorThatIsNotWhereTheIndexSaysIsNamed()
    {
        string folder = MakeShards((map, name) => map[name] = "model-00001-of-00002.safetensors");
        Assert.That(() => ModelFolder.Open(folder), Refusal.Saying("model.safetensors.index.json says that it is there"));
    }

    [TestCase("../model.safetensors")]
    [TestCase("/model.safetensors")]
    [TestCase("..")]
    [TestCase("")]
    [TestCase(null)]
    public void AnIndexCanNotLeadOutOfItsFolder(string? file)
    {
        string folder = MakeShards((map, name) => map[name] = file);
        Assert.That(() => ModelFolder.Open(folder), Refusal.Saying("where the name of a file beside the index is expected"));
    }

    [Test]
    public void AnIndexWithoutAMapIsRefused()
    {
        string folder = MakeShards();
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), """{"metadata": {}}""");
        Assert.That(() => ModelFolder.Open(folder), Refusal.Saying("has no weight_map"));
    }

    /// <summary>tiny-bert's weights, every other tensor in each of two files; the index may be changed at the last tensor.</summary>
    private string MakeShards(Action<JsonObject, string>? changeIndex = null)
    {
        string folder = _folder.CopyFolder(Fixtures.Path("models", "tiny-bert"), "model");
        using (SafetensorsFile whole = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors")))
        {
            SafetensorsWriter[] shards = [new(), new()];
            JsonObject map = [];
            string last = "";
            foreach ((string name, WeightEntry entry) in whole.Entries)
            {
                shards[map.Count % 2].Add(name, [.. entry.Shape], whole.Read(name));
                map[name] = $"model-0000{1 + (map.Count % 2)}-of-00002.safetensors";
                last = map.Count % 2 == 0 ? name : last;
            }

            changeIndex?.Invoke(map, last);
            for (int i = 0; i < shards.Length; i++)
            {
                using FileStream file = File.Create(Path.Combine(folder, $"model-0000{i + 1}-of-00002.safetensors"));
                shards[i].WriteTo(file);
            }

            File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), new JsonObject { ["metadata"] = new JsonObject(), ["weight_map"] = map }.ToJsonString());
        }

        File.Delete(Path.Combine(folder, "model.safetensors"));
        return folder;
    }
}
