using System.Text.Json;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Cuda;
using MnrEngine.Losses;
using MnrEngine.Models;
using MnrEngine.Autograd;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Models;

/// <summary>Every model folder of the fixtures gives what transformers and sentence-transformers gave in float64, on the CPU and with the CUDA kernels.</summary>
[TestFixtureSource(nameof(FoldersAndDevices))]
public sealed class ModelFixtureTests
{
    private readonly string _folder;
    private readonly JsonElement _expected;
    private readonly bool _isCuda;
    private IKernels _kernels = null!;
    private SentenceEncoder _encoder = null!;
    private SafetensorsFile _tensors = null!;

    public ModelFixtureTests(string name, string device)
    {
        _isCuda = device == Cuda;
        _folder = Fixtures.Path("models", name);
        _expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "expected.json"))).RootElement;
    }

    private const string Cuda = "cuda";

    public static IEnumerable<object[]> FoldersAndDevices => from device in (string[])["cpu", Cuda] from folder in Folders select (object[])[folder, device];

    public static IEnumerable<string> Folders =>
        from folder in Directory.EnumerateDirectories(Fixtures.Path("models"))
        where File.Exists(Path.Combine(folder, "expected.json"))
        orderby folder
        select Path.GetFileName(folder);

    [OneTimeSetUp]
    public void Load()
    {
        _kernels = _isCuda ? CudaTarget.Create(new CudaOptions()) : new CpuKernels();
        _encoder = SentenceEncoder.Load(_folder, _kernels, training: true);
        _tensors = SafetensorsFile.Open(Path.Combine(_folder, "expected.safetensors"));
    }

    [OneTimeTearDown]
    public void Release()
    {
        _tensors?.Dispose();
        _encoder?.Dispose();
        _kernels?.Dispose();
    }

    [Test]
    public void TheMaximumLengthIsTheReferences() =>
        Assert.That(_encoder.Description.MaxSequenceLength, Is.EqualTo(_expected.GetProperty("max_length").GetInt32()));

    [Test]
    public void HiddenStatesAndEmbeddingsAreTheReferences()
    {
        TokenizedTexts texts = Tokenise(Texts());
        PackedBatch packed = Pack([texts]);
        using SentenceNetwork network = _encoder.PlanInference(packed.Tokens, packed.Sentences);
        network.Pass.BeginInference(_kernels.Upload(packed));
        float[] hidden = Read(network.ForwardTokens().Value.FirstRows(packed.Tokens));
        float[] embeddings = Read(network.Forward().Value);

        float[] expected = Expected("last_hidden_state");
        int width = _encoder.Description.Transformer.HiddenSize;
        int padded = expected.Length / texts.Count / width;
        float[] packedExpected = [.. Enumerable.Range(0, texts.Count).SelectMany(s => expected.Skip(s * padded * width).Take(texts[s].Length * width))];
        Closeness.AssertClose("hidden states", hidden, packedExpected);
        Closeness.AssertClose("embeddings", embeddings, Expected("sentence_embedding"));
    }

    [Test]
    public void EveryPoolingModeIsTheReferences()
    {
        string path = Path.Combine(_folder, "poolings.safetensors");
        if (!File.Exists(path))
        {
            Assert.Ignore("no pooling but its own was recorded of this model");
        }

        using TemporaryFolder temporary = new();
        using SafetensorsFile poolings = SafetensorsFile.Open(path);
        Assert.That(poolings.Entries.Keys, Is.Not.Empty);
        foreach ((string mode, WeightEntry entry) in poolings.Entries)
        {
            string folder = temporary.CopyFolder(_folder, mode);
            temporary.Write(Path.Combine(mode, "1_Pooling", "config.json"), $$"""{"embedding_dimension": {{_encoder.Description.Transformer.HiddenSize}}, "pooling_mode": "{{mode}}"}""");
            using SentenceEncoder encoder = SentenceEncoder.Load(folder, _kernels);
            float[] expected = new float[entry.Count];
            poolings.Read(mode, expected);

            Closeness.AssertClose(mode, encoder.Encode(Texts()), expected);
        }
    }

    [Test]
    public void EmbeddingOneByOneOrTogetherIsTheSame()
    {
        TokenizedTexts texts = Tokenise(Texts());
        using SentenceNetwork network = _encoder.PlanInference(_encoder.Description.MaxSequenceLength * 3, 3);
        float[] together = new NetworkEmbedder(network).Embed(texts);
        float[] oneByOne = new NetworkEmbedder(network, batchSize: 1).Embed(texts);
        Closeness.AssertClose("embeddings", oneByOne, together);
        Closeness.AssertClose("embeddings", together, Expected("sentence_embedding"));
    }

    [Test]
    public void LossAndEveryGradientAreTheReferences()
    {
        if (!_expected.TryGetProperty("pairs", out JsonElement pairs))
        {
            Assert.That(_expected.TryGetProperty("loss", out _), Is.False);
            return;
        }

        int anchors = pairs.GetArrayLength();
        TokenizedTexts[] columns = [.. Enumerable.Range(0, 2).Select(c => Tokenise(pairs.EnumerateArray().Select(p => p[c].GetString()!)))];
        PackedBatch packed = Pack(columns);
        using SentenceNetwork network = _encoder.PlanNetwork(packed.Tokens, packed.Sentences, backward: true, default, Tensor.None);
        using DeviceArena scalars = _kernels.CreateArena("loss", DeviceArena.Alignment);
        Tensor loss = scalars.Allocate(ElementType.Float32, 1, 1);
        Pass pass = network.Pass;
        pass.BeginTraining(_kernels.Upload(packed), accumulate: false, completesGradients: true);
        using PlannedLoss ranking = new MultipleNegativesRankingLoss(new RankingLossOptions(_expected.GetProperty("scale").GetSingle()))
            .Plan(new LossPlan(_kernels, packed.Sentences, columns.Length, network.Output.Columns, Seed: 1));
        ranking.Forward(pass, network.Forward(), new LossBatch(anchors, Tensor.None, Weight: 1, Add: false), loss);
        pass.Tape.Backward(pass);

        double expectedLoss = _expected.GetProperty("loss").GetDouble();
        Assert.That(Read(loss)[0], Is.EqualTo(expectedLoss).Within(1e-5 * expectedLoss));

        Dictionary<string, float[]> expected = _tensors.Entries.Keys
            .Where(static name => name.StartsWith("grad.", StringComparison.Ordinal) || name.StartsWith("dense.grad.", StringComparison.Ordinal))
            .ToDictionary(static name => name, Expected);
        double globalNorm = Math.Sqrt(expected.Values.Sum(static g => Math.Pow(Closeness.Norm(g), 2)));
        Assert.That(expected, Has.Count.EqualTo(_encoder.Parameters.Parameters.Count(static p => !p.Name.StartsWith("pooler.", StringComparison.Ordinal))));
        foreach (NamedParameter parameter in _encoder.Parameters.Parameters.Where(static p => !p.Name.StartsWith("pooler.", StringComparison.Ordinal)))
        {
            string name = parameter.Name.StartsWith("modules.", StringComparison.Ordinal)
                ? "dense.grad." + parameter.Name.Split('.', 3)[2]
                : "grad." + parameter.Name;
            Closeness.AssertClose(name, Read(_encoder.Parameters.GradientOf(parameter)), expected[name], 1e-2 * globalNorm);
        }
    }

    private PackedBatch Pack(IEnumerable<TokenizedTexts> columns)
    {
        PackedBatch packed = new();
        foreach (TokenizedTexts column in columns)
        {
            for (int i = 0; i < column.Count; i++)
            {
                packed.Add(column[i], _encoder.FirstPosition);
            }
        }

        return packed;
    }

    private string[] Texts() => [.. _expected.GetProperty("texts").EnumerateArray().Select(static t => t.GetString()!)];

    private TokenizedTexts Tokenise(IEnumerable<string> texts) => _encoder.Tokenizer.EncodeBatch([.. texts], _encoder.Description.MaxSequenceLength);

    private float[] Read(Tensor tensor)
    {
        float[] values = new float[tensor.Length];
        _kernels.Read(tensor, values);
        return values;
    }

    private float[] Expected(string name)
    {
        float[] values = new float[_tensors.Entries[name].Count];
        _tensors.Read(name, values);
        return values;
    }
}
