using System.Text.Json.Nodes;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Models;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Models;

/// <summary>A model with random weights is initialised as transformers does it, and is a model like any other once saved.</summary>
public sealed class NewModelTests
{
    private static readonly string[] Sentences = ["A man is playing a guitar.", "Somebody makes music."];

    private TemporaryFolder _folder = null!;
    private CpuKernels _kernels = null!;

    [SetUp]
    public void SetUp()
    {
        _folder = new TemporaryFolder();
        _kernels = new CpuKernels();
    }

    [TearDown]
    public void TearDown()
    {
        _kernels.Dispose();
        _folder.Dispose();
    }

    private static IEnumerable<TransformerArchitecture> Architectures => TransformerArchitecture.All;

    [TestCaseSource(nameof(Architectures))]
    public void WeightsAreDrawnAsTransformersDrawsThem(TransformerArchitecture architecture)
    {
        using SentenceEncoder encoder = Create(architecture, seed: 1);
        int padding = architecture == TransformerArchitecture.Mpnet ? 1 : 0;
        Assert.Multiple(() =>
        {
            foreach (Autograd.NamedParameter parameter in encoder.Parameters.Parameters)
            {
                float[] values = new float[parameter.Length];
                encoder.Parameters.Read(parameter, values);
                bool isNorm = parameter.Name.Contains("norm", StringComparison.OrdinalIgnoreCase);
                if (parameter.Shape.Length == 1)
                {
                    Assert.That(values, Is.All.EqualTo(isNorm && parameter.Name.EndsWith(".weight", StringComparison.Ordinal) ? 1f : 0f), parameter.Name);
                    continue;
                }

                double deviation = Math.Sqrt(values.Average(static v => (double)v * v));
                Assert.That(deviation, Is.EqualTo(0.02).Within(parameter.Length < 1000 ? 30 : 10).Percent, parameter.Name);
                bool padded = parameter.Name.Contains("word_embeddings", StringComparison.Ordinal)
                    || (parameter.Name.Contains("position_embeddings", StringComparison.Ordinal) && architecture == TransformerArchitecture.Mpnet);
                Assert.That(values.Skip(padding * parameter.Shape[1]).Take(parameter.Shape[1]).All(static v => v == 0), Is.EqualTo(padded), parameter.Name);
            }
        });
    }

    [TestCaseSource(nameof(Architectures))]
    public void TheSeedDecides(TransformerArchitecture architecture)
    {
        using SentenceEncoder one = Create(architecture, seed: 1);
        using SentenceEncoder same = Create(architecture, seed: 1);
        using SentenceEncoder other = Create(architecture, seed: 2);
        float[] embeddings = one.Encode(Sentences);
        Assert.That(same.Encode(Sentences), Is.EqualTo(embeddings).AsCollection);
        Assert.That(other.Encode(Sentences), Is.Not.EqualTo(embeddings).AsCollection);
    }

    [TestCaseSource(nameof(Architectures))]
    public void ASavedModelIsTheSameWhenLoaded(TransformerArchitecture architecture)
    {
        using SentenceEncoder encoder = Create(architecture, seed: 3);
        encoder.Save(_folder.Path("model"), new ModelCard());
        using SentenceEncoder loaded = SentenceEncoder.Load(_folder.Path("model"), _kernels);
        Assert.Multiple(() =>
        {
            Assert.That(loaded.Encode(Sentences), Is.EqualTo(encoder.Encode(Sentences)).AsCollection);
            Assert.That(loaded.Description.MaxSequenceLength, Is.EqualTo(encoder.Description.MaxSequenceLength));
            Assert.That(loaded.Description.Transformer.Architecture, Is.EqualTo(architecture));
            JsonNode tokenizer = JsonNode.Parse(File.ReadAllText(_folder.Path("model", "tokenizer_config.json")))!;
            Assert.That((string?)tokenizer["tokenizer_class"], Is.EqualTo(Options(architecture).TokenizerClass));
        });
    }

    private static TokenizerOptions Options(TransformerArchitecture architecture) =>
        architecture == TransformerArchitecture.Mpnet ? TokenizerOptions.Mpnet : architecture == TransformerArchitecture.DistilBert ? TokenizerOptions.DistilBert : TokenizerOptions.Bert;

    private SentenceEncoder Create(TransformerArchitecture architecture, long seed)
    {
        string vocabulary = Fixtures.Path("models", "tiny-bert", "vocab.txt");
        WordPieceTokenizer tokenizer = architecture == TransformerArchitecture.Mpnet
            ? WordPieceTokenizer.ForMpnet(vocabulary) : WordPieceTokenizer.FromVocabulary(vocabulary, Options(architecture));
        TransformerConfiguration configuration = TransformerConfiguration.Default(architecture) with
        {
            VocabSize = tokenizer.VocabularySize,
            HiddenSize = 32,
            NumHiddenLayers = 2,
            NumAttentionHeads = 2,
            IntermediateSize = 48,
            MaxPositionEmbeddings = 40,
        };
        return SentenceEncoder.Create(new EncoderDescription { Transformer = configuration, MaxSequenceLength = configuration.LongestSentence }, tokenizer, _kernels, seed);
    }
}
