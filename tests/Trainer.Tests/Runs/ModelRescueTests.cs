using MnrEngine.Kernels.Cpu;
using MnrEngine.Models;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using MnrEngine.Trainer.Runs;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Runs;

/// <summary>Where a trained model goes when its own place can't be written.</summary>
public sealed class ModelRescueTests
{
    [Test]
    public void TheFirstPlaceThatCanBeWrittenIsTaken()
    {
        using TemporaryFolder folder = new();
        string blocked = Path.Combine(folder.Write("file", ""), "model");
        string free = folder.File("free");
        using CpuKernels kernels = new(1);
        using SentenceEncoder encoder = SentenceEncoder.Load(Fixtures.Path("models", "tiny-bert"), kernels);

        Assert.That(ModelRescue.Save(encoder, new ModelCard(), [blocked, free]), Is.EqualTo($"and its model was saved in {free} instead"));
        using SentenceEncoder saved = SentenceEncoder.Load(free, kernels);
        Assert.That(saved.Encode(["a dog runs"]), Is.EqualTo(encoder.Encode(["a dog runs"])));
        Assert.That(ModelRescue.Save(encoder, new ModelCard(), [blocked]), Does.StartWith($"but its model couldn't be saved elsewhere either: {blocked} can't be written"));
    }

    [Test]
    public void NoPlaceIsOneThatIsThere()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder.File("run-model"));
        folder.Write("run-model-2", "");

        string[] places = [.. ModelRescue.Places(folder.File("run/"))];

        Assert.That(places[0], Is.EqualTo(folder.File("run-model-3")));
        Assert.That(places[1], Does.StartWith(Path.Combine(Path.GetTempPath(), "mnrengine-run-model")));
        Assert.That(places, Has.None.Matches<string>(Path.Exists));
    }
}
