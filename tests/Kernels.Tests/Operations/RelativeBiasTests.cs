using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>MPNet's relative positions: the buckets, the bias they expand to and the table's gradient.</summary>
[TestFixtureSource(typeof(KernelTarget), nameof(KernelTarget.All))]
internal sealed class RelativeBiasTests(KernelTarget target) : OperationTests(target, 17)
{
    [Test]
    public void BucketsAreThoseOfTransformers() =>
        Assert.That(
            Enumerable.Range(-599, 1199).Select(RelativePositions.Bucket), Is.EqualTo(Enumerable.Range(-599, 1199).Select(BucketOfTransformers)).AsCollection);

    [Test]
    public void ABucketsDistancesAreThoseThatFallIntoIt()
    {
        for (int bucket = 0; bucket < RelativePositions.Buckets; bucket++)
        {
            (int least, int most) = RelativePositions.Distances(bucket);
            Assert.That(
                Enumerable.Range(-599, 1199).Where(d => d >= least && d <= most),
                Is.EqualTo(Enumerable.Range(-599, 1199).Where(d => RelativePositions.Bucket(d) == bucket)).AsCollection, $"bucket {bucket}");
        }
    }

    [TestCase(1, 1)]
    [TestCase(2, 3)]
    [TestCase(9, 12)]
    [TestCase(70, 4)]
    [TestCase(200, 2)]
    [TestCase(512, 1)]
    public void ForwardAndBackward(int length, int heads)
    {
        (Array2 table, Array2 dy, Parameter parameter, Tensor bias) = LayerPasses.RelativeBias(Device, Random, length, heads);

        Array2 Forward() => Expand(table, length);
        Assert.That(Device.Read(bias).Values, Is.EqualTo(Forward().Values).AsCollection);
        FiniteDifferences.Check(() => Reference.Dot(dy, Forward()), table, Device.Read(parameter.Gradient), dy, "table");
    }

    [Test]
    public void ALaterMicroBatchsGradientIsAdded()
    {
        Parameter alone = Device.Parameter(Array2.Random(RelativePositions.Buckets, 3, Random));
        Array2 before = Array2.Random(RelativePositions.Buckets, 3, Random);
        Parameter added = new(alone.Value, Device.Float(before));
        Tensor dy = Device.Float(Array2.Random(3 * 40, 40, Random));

        Device.Kernels.RelativeBiasBackward(alone, dy, accumulate: false);
        Device.Kernels.RelativeBiasBackward(added, dy, accumulate: true);

        Close.Check(Device.Read(added.Gradient), Reference.Add(before, Device.Read(alone.Gradient)), before, "table gradient");
    }

    private static Array2 Expand(Array2 table, int length)
    {
        Array2 bias = new(table.Columns * length, length);
        for (int head = 0; head < table.Columns; head++)
        {
            for (int query = 0; query < length; query++)
            {
                for (int key = 0; key < length; key++)
                {
                    bias[(head * length) + query, key] = table[BucketOfTransformers(key - query), head];
                }
            }
        }

        return bias;
    }

    /// <summary>modeling_mpnet.py's relative_position_bucket, in its single precision: 32 buckets, a largest distance of 128.</summary>
    private static int BucketOfTransformers(int distance)
    {
        int magnitude = Math.Abs(distance);
        int bucket = distance > 0 ? 16 : 0;
        return magnitude < 8
            ? bucket + magnitude
            : bucket + Math.Min(15, 8 + (int)(MathF.Log(magnitude / 8f) / (float)Math.Log(128 / 8) * 8));
    }
}
