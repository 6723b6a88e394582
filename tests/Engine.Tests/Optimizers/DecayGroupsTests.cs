using MnrEngine.Kernels.Cpu;
using MnrEngine.Models;
using MnrEngine.Optimizers;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Optimizers;

/// <summary>Weight decay applies to the parameters that the reference's optimizers have in their first group.</summary>
public sealed class DecayGroupsTests
{
    [TestCase("encoder.layer.0.attention.self.query.weight", true, true)]
    [TestCase("encoder.layer.0.attention.self.query.bias", false, false)]
    [TestCase("encoder.layer.0.attention.output.LayerNorm.weight", false, false)]
    [TestCase("embeddings.LayerNorm.bias", false, false)]
    [TestCase("embeddings.word_embeddings.weight", true, true)]
    [TestCase("encoder.relative_attention_bias.weight", false, false)]
    [TestCase("transformer.layer.1.sa_layer_norm.weight", false, true)]
    [TestCase("transformer.layer.1.output_layer_norm.weight", false, true)]
    [TestCase("transformer.layer.1.output_layer_norm.bias", false, false)]
    [TestCase("transformer.layer.1.ffn.lin1.weight", true, true)]
    [TestCase("modules.0.linear.weight", true, true)]
    public void ANameDecides(string name, bool trainer, bool fit)
    {
        Assert.That(DecayGroups.Trainer.Decays(name), Is.EqualTo(trainer));
        Assert.That(DecayGroups.Fit.Decays(name), Is.EqualTo(fit));
    }

    [TestCase("tiny-bert", DecayGroups.Trainer)]
    [TestCase("tiny-mpnet", DecayGroups.Fit)]
    [TestCase("tiny-distilbert", DecayGroups.Trainer)]
    [TestCase("tiny-distilbert", DecayGroups.Fit)]
    public void AStepWithoutGradientShrinksThoseAndNoOthers(string model, DecayGroups groups)
    {
        using CpuKernels kernels = new();
        using SentenceEncoder encoder = SentenceEncoder.Load(Fixtures.Path("models", model), kernels, training: true);
        using AdamOptimizer optimizer = new(kernels, encoder.Parameters, new OptimizerOptions(0.5, WeightDecay: 0.5, DecayGroups: groups));
        kernels.Fill(encoder.Parameters.Gradients, 0);
        optimizer.Prepare(1, 0.5);
        optimizer.Step();

        using ModelFolder before = ModelFolder.Open(Fixtures.Path("models", model));
        Assert.Multiple(() =>
        {
            foreach (Autograd.NamedParameter parameter in encoder.Parameters.Parameters.Where(static p => !p.Name.StartsWith("pooler.", StringComparison.Ordinal)))
            {
                float[] weights = new float[parameter.Length];
                before.ReadWeight(parameter.Name, parameter.Shape, weights);
                float[] after = new float[parameter.Length];
                encoder.Parameters.Read(parameter, after);
                float kept = groups.Decays(parameter.Name) ? 0.75f : 1;
                Assert.That(after, Is.EqualTo(weights.Select(w => w * kept)).AsCollection, parameter.Name);
            }
        });
    }
}
