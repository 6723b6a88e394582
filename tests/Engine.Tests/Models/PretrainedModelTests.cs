using System.Text.Json;
using MnrEngine.Data;
using MnrEngine.Evaluation;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Kernels.Cuda;
using MnrEngine.Models;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Models;

/// <summary>A published model gives the embeddings and the STSb scores that sentence-transformers gets from it.</summary>
public sealed class PretrainedModelTests
{
    private const string Name = "all-MiniLM-L6-v2";

    private CpuKernels _kernels = null!;
    private SentenceEncoder _encoder = null!;
    private JsonElement _expected;

    [OneTimeSetUp]
    public void Load()
    {
        string folder = Fixtures.LargeModel(Name);
        _kernels = new CpuKernels();
        _encoder = SentenceEncoder.Load(folder, _kernels);
        _expected = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("data", Name + ".json"))).RootElement;
    }

    [OneTimeTearDown]
    public void Release()
    {
        _encoder?.Dispose();
        _kernels?.Dispose();
    }

    [Test]
    public void EmbeddingsAreSentenceTransformers() => AssertEmbeddings(_encoder, int.MaxValue);

    /// <summary>A few texts where there is no GPU.</summary>
    [Test]
    public void EmbeddingsOnTheCudaKernelsAreSentenceTransformers()
    {
        using CudaKernels kernels = CudaTarget.Create(new CudaOptions());
        using SentenceEncoder encoder = SentenceEncoder.Load(Fixtures.LargeModel(Name), kernels);
        AssertEmbeddings(encoder, CudaTarget.IsGpu ? int.MaxValue : 3);
    }

    [Test]
    public void StsScoresAreSentenceTransformersToFourDecimals() => AssertStsScores(_encoder);

    [Test]
    public void StsScoresOnAGpuAreSentenceTransformersToFourDecimals()
    {
        if (!CudaTarget.IsGpu)
        {
            Assert.Ignore("takes a GPU");
        }

        using CudaKernels kernels = CudaTarget.Create(new CudaOptions());
        using SentenceEncoder encoder = SentenceEncoder.Load(Fixtures.LargeModel(Name), kernels);
        AssertStsScores(encoder);
    }

    private void AssertEmbeddings(SentenceEncoder encoder, int most)
    {
        string[] texts = [.. _expected.GetProperty("texts").EnumerateArray().Select(static t => t.GetString()!)];
        using SafetensorsFile file = SafetensorsFile.Open(Fixtures.Path("data", Name + ".safetensors"));
        float[] expected = new float[file.Entries["embeddings"].Count];
        file.Read("embeddings", expected);
        int count = Math.Min(most, texts.Length);
        float[] embeddings = encoder.Encode(texts[..count]);
        Assert.That(embeddings, Has.Length.EqualTo(expected.Length / texts.Length * count));
        double largest = embeddings.Zip(expected, static (a, b) => Math.Abs((double)a - b)).Max();
        Assert.That(largest, Is.LessThanOrEqualTo(2e-6));
    }

    private void AssertStsScores(SentenceEncoder encoder)
    {
        StsDataset data = StsDataset.Load(new DatasetSource(Path.Combine(AppContext.BaseDirectory, "stsb", "stsb-en-dev.csv")), scale: 5);
        StsEvaluator evaluator = new("", data, encoder);
        using SentenceNetwork network = encoder.PlanInference(4096, 128);
        EvaluationFigures figures = evaluator.Evaluate(new NetworkEmbedder(network), null);
        Assert.Multiple(() =>
        {
            foreach (JsonProperty figure in _expected.GetProperty("stsb-dev").EnumerateObject())
            {
                Assert.That(Math.Round(figures.Values[figure.Name], 4), Is.EqualTo(Math.Round(figure.Value.GetDouble(), 4)), figure.Name);
            }
        });
    }
}
