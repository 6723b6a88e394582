using MnrEngine.Evaluation;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Evaluation;

public sealed class PythonFloatTests
{
    [TestCase(0.5, "0.5")]
    [TestCase(1.0, "1.0")]
    [TestCase(-1.0, "-1.0")]
    [TestCase(100.0, "100.0")]
    [TestCase(1234.5, "1234.5")]
    [TestCase(0.0, "0.0")]
    [TestCase(-0.0, "-0.0")]
    [TestCase(0.1 + 0.2, "0.30000000000000004")]
    [TestCase(0.8672165, "0.8672165")]
    [TestCase(0.0001, "0.0001")]
    [TestCase(0.00012345, "0.00012345")]
    [TestCase(0.00001, "1e-05")]
    [TestCase(2.5e-7, "2.5e-07")]
    [TestCase(1e15, "1000000000000000.0")]
    [TestCase(9999999999999998.0, "9999999999999998.0")]
    [TestCase(1e16, "1e+16")]
    [TestCase(12345678901234567.0, "1.2345678901234568e+16")]
    [TestCase(1e22, "1e+22")]
    [TestCase(1.5e300, "1.5e+300")]
    [TestCase(5e-324, "5e-324")]
    [TestCase(double.NaN, "nan")]
    [TestCase(double.PositiveInfinity, "inf")]
    [TestCase(double.NegativeInfinity, "-inf")]
    public void IsWrittenAsPythonWritesIt(double value, string python) => Assert.That(PythonFloat.Repr(value), Is.EqualTo(python));

    [Test]
    public void ReadsBackAsTheSameNumber()
    {
        Random random = new(1);
        for (int i = 0; i < 10_000; i++)
        {
            double value = BitConverter.Int64BitsToDouble(random.NextInt64());
            Assert.That(double.Parse(PythonFloat.Repr(value).Replace("inf", "Infinity", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture), Is.EqualTo(value));
        }
    }
}
