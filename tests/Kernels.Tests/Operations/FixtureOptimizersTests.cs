using System.Text.Json;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Clipping and Adam, step by step, against torch.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class FixtureOptimizersTests(KernelTarget target)
{
    [TestCaseSource(nameof(Runs))]
    public void ARunIsTorchs(string name)
    {
        using JsonDocument json = FixtureFile.Json("optimizers.json");
        JsonElement run = json.RootElement.EnumerateArray().Single(entry => entry.GetProperty("name").GetString() == name);
        using Device device = new(target);
        double[] start = Numbers(run.GetProperty("start"));
        double[] betas = Numbers(run.GetProperty("betas"));
        AdamOptions options = new(betas[0], betas[1], run.GetProperty("eps").GetDouble(), run.GetProperty("decoupled").GetBoolean());
        JsonElement clip = run.GetProperty("max_grad_norm");
        float maximum = clip.ValueKind == JsonValueKind.Null ? float.PositiveInfinity : clip.GetSingle();
        AdamState state = new(
            device.Float(Padded(start)), device.Output(1, AdamState.BlockLength), device.Float(Padded([])), device.Float(Padded([])),
            device.Scalar(run.GetProperty("weight_decay").GetSingle()));
        Tensor rates = device.Output(1, 4);
        Tensor norm = device.Output(1, 1);
        Tensor clipFactor = device.Output(1, 1);
        int t = 0;
        foreach (JsonElement step in run.GetProperty("steps").EnumerateArray())
        {
            t++;
            double rate = step.GetProperty("lr").GetDouble();
            device.Kernels.Write(state.Gradients, Padded(Numbers(step.GetProperty("gradient"))).Floats());
            device.Kernels.Write(rates, [(float)rate, (float)(rate / (1 - Math.Pow(betas[0], t))), (float)(1 / Math.Sqrt(1 - Math.Pow(betas[1], t))), 0f]);
            device.Kernels.GlobalNorm(state.Gradients, maximum, norm, clipFactor);
            device.Kernels.Adam(state, options, rates, clipFactor);

            double expectedNorm = step.GetProperty("norm").GetDouble();
            Assert.That(device.Read(norm).Values[0], Is.EqualTo(expectedNorm).Within(1e-6 * expectedNorm), $"norm of step {t}");
            Array2 expected = Padded(Numbers(step.GetProperty("parameters")));
            Close.Check(device.Read(state.Weights), expected, expected, $"parameters after step {t}");
        }
    }

    private static IEnumerable<string> Runs()
    {
        using JsonDocument json = FixtureFile.Json("optimizers.json");
        return [.. json.RootElement.EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)];
    }

    private static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(element => element.GetDouble())];

    private static Array2 Padded(double[] values)
    {
        Array2 result = new(1, AdamState.BlockLength);
        values.CopyTo(result.Values, 0);
        return result;
    }
}
