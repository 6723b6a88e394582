using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>
/// Tests that compare whatever an operation gives, forward and backward and to the last element, with double precision: in single precision by <see cref="Close"/>, on activations in bf16
/// by <see cref="HalfPrecision"/>. The reference's gradients are themselves checked by finite differences, through the operations of smaller shapes that are compared with both.
/// </summary>
internal abstract class WholeResults(KernelTarget target, int seed) : OperationTests(target, seed)
{
    private const string BytesOfTest = "device bytes";
    private const long UsualBytes = 32L << 20;

    /// <summary>An operation in double precision: <paramref name="round"/> is applied to what a bf16 operation reads and gives as bf16, and in attention to P and dS.</summary>
    /// <returns>The results in the order of the comparison.</returns>
    protected delegate Array2[] Operation(Func<double, double> round);

    protected override long DeviceBytes => UsualBytes + (TestContext.CurrentContext.Test.Properties.Get(BytesOfTest) as int? ?? 0);

    protected bool IsHalf => Device.Kernels.ActivationType == ElementType.BFloat16;

    /// <summary>A number of rows or sentences for every target, and one that takes a GPU: elsewhere that case is skipped, or run with as many as MNR_LARGE_TESTS says.</summary>
    /// <param name="everywhere">The small number.</param>
    /// <param name="onAGpu">The large one.</param>
    /// <param name="bytes">The device memory that the test takes for each.</param>
    protected static IEnumerable<TestCaseData> Sizes(int everywhere, int onAGpu, int bytes)
    {
        yield return Sized(everywhere);
        yield return CudaTarget.IsGpu ? Sized(onAGpu)
            : int.TryParse(Environment.GetEnvironmentVariable("MNR_LARGE_TESTS"), out int size) ? Sized(Math.Min(size, onAGpu))
            : Sized(onAGpu).Ignore("takes a GPU");

        TestCaseData Sized(int count) => new TestCaseData(count).SetProperty(BytesOfTest, checked(bytes * count));
    }

    /// <summary>Compares results with the reference's.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="results">What each is, what the operation gave, and the input or incoming gradient that errors are judged by where a result is small.</param>
    protected void Compare(Operation reference, params (string What, Tensor Actual, Array2 Incoming)[] results)
    {
        Array2[] exact = reference(static x => x);
        Array2[]? rounded = IsHalf ? reference(HalfPrecision.Round) : null;
        Assert.That(exact, Has.Length.EqualTo(results.Length));
        for (int i = 0; i < results.Length; i++)
        {
            (string what, Tensor tensor, Array2 incoming) = results[i];
            Array2 actual = Device.Read(tensor);
            if (rounded is null)
            {
                Close.Check(actual, exact[i], incoming, what);
            }
            else
            {
                HalfPrecision.Check(actual, exact[i], rounded[i], incoming, what);
            }
        }
    }

    /// <summary>A function applied to every element.</summary>
    protected static Array2 Each(Array2 values, Func<double, double> function) => new(values.Rows, values.Columns, Array.ConvertAll(values.Values, x => function(x)));
}
