using MnrEngine.Kernels.Cpu;
using MnrEngine.Models;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Evaluation;

/// <summary>Tests that encode with the fixtures' small BERT, loaded once for the class.</summary>
public abstract class TinyBertTests
{
    private CpuKernels _kernels = null!;

    /// <summary>The model.</summary>
    protected SentenceEncoder Encoder { get; private set; } = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _kernels = new CpuKernels(1);
        Encoder = SentenceEncoder.Load(Fixtures.Path("models", "tiny-bert"), _kernels);
    }

    [OneTimeTearDown]
    public void Unload()
    {
        Encoder.Dispose();
        _kernels.Dispose();
    }
}
