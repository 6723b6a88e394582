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

    [Test]
    public void ABlockWithoutGradientAndMomentsIsUpdatedLikeAnyOther([Values] bool decoupled, [Values(0f, 0.1f)] float decay)
    {
        const int Blocks = 40;
        const int Count = Blocks * AdamState.BlockLength;
        AdamOptions options = new(0.9, 0.999, 1e-8, decoupled);
        Array2 weights = Array2.Random(1, Count, Random);
        Array2 decays = Array2.Filled(1, Blocks, decay);
        AdamState known = new(Device.Float(weights), Device.Zeros(1, Count), Device.Zeros(1, Count), Device.Zeros(1, Count), Device.Float(decays));
        AdamState written = new(Device.Float(weights), known.Gradients, Device.Zeros(1, Count), Device.Zeros(1, Count), known.BlockDecay);
        Tensor rates = Device.Output(1, 4);
        Tensor clipFactor = Device.Scalar(0.5f);
        Device.Kernels.Write(rates, [0.01f, 0.02f, 1.5f, 0f]);
        for (int step = 0; step < 12; step++)
        {
            // Most blocks have a gradient now and then only; a few, never.
            Array2 gradients = Array2.Random(1, Count, Random);
            for (int block = 0; block < Blocks; block++)
            {
                if (block % 4 == 0 || (step + block) % 5 != 0)
                {
                    Array.Clear(gradients.Values, block * AdamState.BlockLength, AdamState.BlockLength);
                }
            }

            Device.Kernels.Write(known.Gradients, Floats(gradients));

            // Of moments that are written from outside nothing is known beforehand. Half way those of the first are replaced as well.
            if (step == 6)
            {
                Array2 moments = Array2.Filled(1, Count, 0.25f);
                Device.Kernels.Write(known.FirstMoments, Floats(moments));
                Device.Kernels.Write(written.FirstMoments, Floats(moments));
            }

            Device.Kernels.Write(written.FirstMoments, Floats(Device.Read(written.FirstMoments)));
            Device.Kernels.Adam(known, options, rates, clipFactor);
            Device.Kernels.Adam(written, options, rates, clipFactor);
        }

        Assert.That(Device.Read(known.Weights).Values, Is.EqualTo(Device.Read(written.Weights).Values));
        Assert.That(Device.Read(known.FirstMoments).Values, Is.EqualTo(Device.Read(written.FirstMoments).Values));
        Assert.That(Device.Read(known.SecondMoments).Values, Is.EqualTo(Device.Read(written.SecondMoments).Values));
        Assert.That(Device.Read(known.Weights).Values, Is.Not.EqualTo(weights.Values));
    }

    private static float[] Floats(Array2 array) => [.. array.Values.Select(static value => (float)value)];
}
