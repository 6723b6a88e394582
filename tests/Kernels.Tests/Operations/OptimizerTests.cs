using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The global norm and Adam beyond what the fixtures' six parameters show.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class OptimizerTests(KernelTarget target) : OperationTests(target, 16)
{
    [Test]
    public void TheNormOfAnyNumberOfElements([Values(1, 15, 17, 64, 4096, 4097, 65536, 65537, 300_001)] int count)
    {
        Array2 gradients = Array2.Random(1, count, Random);
        Tensor norm = Device.Output(1, 1);
        Tensor factor = Device.Output(1, 1);

        Device.Kernels.GlobalNorm(Device.Float(gradients), 2f, norm, factor);

        Assert.That(Device.Read(norm).Values[0], Is.EqualTo(gradients.Norm).Within(1e-6 * gradients.Norm));
        Assert.That(Device.Read(factor).Values[0], Is.EqualTo(Math.Min(1, 2 / (gradients.Norm + 1e-6))).Within(1e-6));
    }

    [Test]
    public void GradientsOfAnySizeAreNotClippedWithoutAMaximum([Values(0f, 1f, 1e10f)] float size)
    {
        Tensor factor = Device.Output(1, 1);
        Device.Kernels.GlobalNorm(Device.Float(Array2.Filled(3, 50, size)), float.PositiveInfinity, Device.Output(1, 1), factor);
        Assert.That(Device.Read(factor).Values[0], Is.EqualTo(1));
    }

    [Test]
    public void EachBlockHasItsOwnDecay([Values] bool decoupled, [Values(0, 1, 7, 900)] int blocksWithoutGradient)
    {
        int blocks = blocksWithoutGradient + 5;
        int count = blocks * AdamState.BlockLength;
        Array2 weights = Array2.Random(1, count, Random);
        Array2 gradients = Array2.Random(1, count, Random);
        Array2 decays = new(1, blocks);
        for (int block = 0; block < blocks; block++)
        {
            decays.Values[block] = block % 3 == 0 ? 0 : (float)(0.1 * (block % 3));
            if (block < blocksWithoutGradient)
            {
                Array.Clear(gradients.Values, block * AdamState.BlockLength, AdamState.BlockLength);
            }
        }

        AdamOptions options = new(0.9, 0.999, 1e-8, decoupled);
        AdamState state = new(Device.Float(weights), Device.Float(gradients), Device.Zeros(1, count), Device.Zeros(1, count), Device.Float(decays));
        Tensor rates = Device.Output(1, 4);
        Tensor clipFactor = Device.Scalar(0.5f);
        Array2 first = new(1, count);
        Array2 second = new(1, count);
        for (int t = 1; t <= 3; t++)
        {
            double rate = (float)(0.01 * t);
            double stepSize = (float)(rate / (1 - Math.Pow(0.9, t)));
            double correction = (float)(1 / Math.Sqrt(1 - Math.Pow(0.999, t)));
            Device.Kernels.Write(rates, [(float)rate, (float)stepSize, (float)correction, 0f]);
            Device.Kernels.Adam(state, options, rates, clipFactor);
            for (int i = 0; i < count; i++)
            {
                double decay = decays.Values[i / AdamState.BlockLength];
                double gradient = 0.5 * gradients.Values[i] + (decoupled ? 0 : decay * weights.Values[i]);
                double shrunk = weights.Values[i] * (decoupled ? 1 - rate * decay : 1);
                first.Values[i] = 0.9 * first.Values[i] + 0.1 * gradient;
                second.Values[i] = 0.999 * second.Values[i] + 0.001 * gradient * gradient;
                weights.Values[i] = shrunk - stepSize * first.Values[i] / (Math.Sqrt(second.Values[i]) * correction + 1e-8);
            }
        }

        Close.Check(Device.Read(state.Weights), weights, weights, "weights");
        Close.Check(Device.Read(state.FirstMoments), first, gradients, "first moments");
        Close.Check(Device.Read(state.SecondMoments), second, gradients, "second moments");
    }
}
